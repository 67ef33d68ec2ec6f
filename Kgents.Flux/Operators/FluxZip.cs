using System.Runtime.CompilerServices;

namespace Kgents.Flux;

/// <summary>Reads two streams side by side.</summary>
internal static class FluxZip
{
    public static async IAsyncEnumerable<FluxEvent> Of(
        IAsyncEnumerable<FluxEvent> left, IAsyncEnumerable<FluxEvent> right, Func<string, string, string> join, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var lefts = left.GetAsyncEnumerator(cancellationToken);
        await using var rights = right.GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            // Both are read, also when the left one has ended, for the metadata that follows the last pair.
            string? first = null, second = null;
            while (first is null && await lefts.MoveNextAsync())
            {
                first = (lefts.Current as FluxText)?.Text;
                if (first is null)
                {
                    yield return lefts.Current;
                }
            }

            while (second is null && await rights.MoveNextAsync())
            {
                second = (rights.Current as FluxText)?.Text;
                if (second is null)
                {
                    yield return rights.Current;
                }
            }

            if (first is null || second is null)
            {
                yield break;
            }

            yield return new FluxText(join(first, second));
        }
    }
}
