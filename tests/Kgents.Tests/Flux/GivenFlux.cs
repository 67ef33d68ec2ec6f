using System.Runtime.CompilerServices;
using Kgents.Flux;

namespace Kgents.Tests.Flux;

/// <summary>A stream of a test's: some events, and then its end or a fault. It can be read again, and counts how it is read.</summary>
internal sealed class GivenFlux(IReadOnlyList<FluxEvent> events, bool fails = false) : IAsyncEnumerable<FluxEvent>
{
    /// <summary>Events that were taken, in all readings.</summary>
    public int Taken { get; private set; }

    /// <summary>Readings that were begun.</summary>
    public int Begun { get; private set; }

    /// <summary>Readings that were over, at their end or before.</summary>
    public int Ended { get; private set; }

    public static GivenFlux Of(params IReadOnlyList<string> texts) => new([.. texts.Select(text => new FluxText(text))]);

    public GivenFlux With(FluxMetadata metadata) => new([.. events, metadata], fails);

    public IAsyncEnumerator<FluxEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) => ReadAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);

    public override string ToString() => $"[{string.Join(", ", events)}]{(fails ? " then fails" : "")}";

    private async IAsyncEnumerable<FluxEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Begun++;
        try
        {
            foreach (var each in events)
            {
                // Not at once, so that who reads has to wait.
                await Task.Yield();
                cancellationToken.ThrowIfCancellationRequested();
                Taken++;
                yield return each;
            }

            if (fails)
            {
                throw new GivenFault();
            }
        }
        finally
        {
            Ended++;
        }
    }
}

/// <summary>The fault of a stream of a test's.</summary>
internal sealed class GivenFault() : Exception("as the test asked for");

/// <summary>All that reading a stream shows: the same for equal streams.</summary>
internal sealed record Reading(IReadOnlyList<FluxEvent> Events, bool Failed)
{
    public static async Task<Reading> OfAsync(IAsyncEnumerable<FluxEvent> flux)
    {
        var events = new List<FluxEvent>();
        try
        {
            await foreach (var each in flux)
            {
                events.Add(each);
            }
        }
        catch (GivenFault)
        {
            return new Reading(events, Failed: true);
        }

        return new Reading(events, Failed: false);
    }

    public bool Equals(Reading? other) => other is not null && Failed == other.Failed && Events.SequenceEqual(other.Events);

    public override int GetHashCode() => Events.Count;
}
