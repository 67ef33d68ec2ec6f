using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Kgents.Flux;

/// <summary>Reads several streams at once, each to its end, and one event of each ahead at most.</summary>
internal static class FluxMerge
{
    /// <summary>Who is named as the model of the whole.</summary>
    public const string Model = "merged";

    public static async IAsyncEnumerable<FluxEvent> Of(IReadOnlyList<IAsyncEnumerable<FluxEvent>> sources, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var readers = sources.Select(source => source.GetAsyncEnumerator(leaving.Token)).ToList();
        var reads = new List<(Task<bool> Read, IAsyncEnumerator<FluxEvent> Reader)>();
        UsageDetails? usage = null;
        try
        {
            reads.AddRange(readers.Select(reader => (reader.MoveNextAsync().AsTask(), reader)));
            while (reads.Count > 0)
            {
                var ready = await Task.WhenAny(reads.Select(each => each.Read));
                var (read, reader) = reads[reads.FindIndex(each => each.Read == ready)];
                reads.Remove((read, reader));
                if (!await read)
                {
                    continue;
                }

                if (reader.Current is FluxMetadata metadata)
                {
                    usage = Add(usage, metadata.Usage);
                }
                else
                {
                    yield return reader.Current;
                }

                // Behind the others, so that one that never waits does not keep them from their turn.
                reads.Add((reader.MoveNextAsync().AsTask(), reader));
            }

            yield return new FluxMetadata(usage, Model);
        }
        finally
        {
            await leaving.CancelAsync();
            foreach (var (read, _) in reads)
            {
                await ((Task)read).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            foreach (var reader in readers)
            {
                await reader.DisposeAsync();
            }
        }
    }

    /// <summary>Null when none reported anything.</summary>
    private static UsageDetails? Add(UsageDetails? sum, UsageDetails? more)
    {
        if (more is null)
        {
            return sum;
        }

        sum ??= new UsageDetails();
        sum.Add(more);
        return sum;
    }
}
