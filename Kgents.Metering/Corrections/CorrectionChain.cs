using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Usage;

namespace Kgents.Metering.Corrections;

/// <summary>What is left of an event.</summary>
/// <param name="Number">Of the next correction, from 1.</param>
internal sealed record CorrectionState(StoredEntry Original, InspectedUsage Usage, UsageTotal Left, int Number, IReadOnlyList<StoredEntry> Corrections)
{
    /// <summary>The id of the next correction: there is one for each number, so no two can be the same one.</summary>
    public string NextId => UsageIds.New(Usage.Used!.Tenant, Usage.Id, "0", Usage.Used.Type, $"c{Number}");
}

/// <summary>
/// The corrections of an event, one after the other under their own subject. Who records one and who enters it into the ledger read the same chain, so what passes the one and not the other is quarantined
/// and takes nothing back.
/// </summary>
internal sealed class CorrectionChain(JetStreamReader reader)
{
    /// <summary>How often an event can be corrected: each look reads all corrections before it.</summary>
    private const int Most = 100;

    /// <summary>Null, and why, when the event cannot be corrected once more.</summary>
    /// <param name="before">Corrections from this sequence on are not looked at.</param>
    /// <param name="counts">Whether the ledger counts an event.</param>
    public async Task<(CorrectionState? State, string? Problem)> ReadAsync(ulong sequence, ulong before, Func<StoredEntry, InspectedUsage, Task<bool>> counts, CancellationToken cancellationToken)
    {
        var read = await ReadAllAsync(sequence, before, counts, cancellationToken);
        return read.State is { Number: > Most } ? (null, $"event {sequence} has been corrected {Most} times") : read;
    }

    /// <summary>The same, however many corrections there are.</summary>
    public async Task<(CorrectionState? State, string? Problem)> ReadAllAsync(ulong sequence, ulong before, Func<StoredEntry, InspectedUsage, Task<bool>> counts, CancellationToken cancellationToken)
    {
        if (await reader.NextAsync(Streams.Usage.Name, Subjects.AllUsage, sequence, cancellationToken) is not { } original || original.Sequence != sequence
            || !Subjects.TryParseUsage(original.Subject, out var partition, out var tenant))
        {
            return (null, $"there is no usage event {sequence}");
        }

        var usage = InspectedUsage.Read(original, tenant);
        if (usage.Used is null || usage.Corrects is not null || !await counts(original, usage))
        {
            return (null, usage.Corrects is null ? $"event {sequence} does not count" : $"event {sequence} is a correction itself");
        }

        var (left, number, corrections, seen) = (usage.Used, 1, new List<StoredEntry>(), new HashSet<string>(StringComparer.Ordinal));
        var subject = Subjects.UsageCorrections(tenant, partition, sequence);
        var next = sequence + 1;
        while (await reader.NextAsync(Streams.Usage.Name, subject, next, cancellationToken) is { } earlier && earlier.Sequence < before)
        {
            next = earlier.Sequence + 1;
            var correction = InspectedUsage.Read(earlier, tenant);
            if (correction.Used is { } taken && await counts(earlier, correction) && seen.Add(correction.Id))
            {
                (left, number) = (left.Plus(taken), number + 1);
                corrections.Add(earlier);
            }
        }

        return (new CorrectionState(original, usage, left, number, corrections), null);
    }

    /// <summary>Why a recorded correction takes nothing back; null for one that does.</summary>
    public async Task<string?> FindProblemAsync(StoredEntry stored, InspectedUsage correction, Func<StoredEntry, InspectedUsage, Task<bool>> counts, CancellationToken cancellationToken)
    {
        if (!Subjects.TryParseCorrection(stored.Subject, out var sequence) || sequence >= stored.Sequence)
        {
            return $"{stored.Subject} is no subject of a correction";
        }

        var (state, problem) = await ReadAsync(sequence, stored.Sequence, counts, cancellationToken);
        if (state is null)
        {
            return problem;
        }

        var (of, taken) = (state.Usage.Used!, correction.Used!);
        return correction.Corrects != state.Usage.Id || (taken.Tenant, taken.Hour, taken.Model, taken.Type) != (of.Tenant, of.Hour, of.Model, of.Type) ? $"it does not correct event {sequence}"
            : correction.Id != state.NextId ? $"its id is not that of correction {state.Number} of event {sequence}"
            : state.Left.Plus(taken).IsNegative ? $"it takes back more than is left of event {sequence}"
            : null;
    }
}
