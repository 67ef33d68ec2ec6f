using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Corrections;

/// <summary>
/// Takes usage back: records an event of negative quantities under the corrected event's own subject, fenced by the last one there. Of two that correct the same event at once one is stored, and the other
/// looks again at what is left.
/// </summary>
internal sealed class UsageCorrector(UsageLedger ledger, JetStreamReader reader, FencedPublisher publisher)
{
    public const int LongestText = 200;

    private readonly CorrectedUsage corrected = new(ledger, reader);

    /// <summary>May be repeated: the same reference again is the same correction.</summary>
    public async Task<CorrectionOutcome> CorrectAsync(CorrectionRequest request, CancellationToken cancellationToken)
    {
        if (new[] { request.Reason, request.Reference }.Any(text => string.IsNullOrWhiteSpace(text) || text.Length > LongestText))
        {
            return new CorrectionOutcome.Refused($"reason and reference must be 1 to {LongestText} characters and not blank");
        }

        while (true)
        {
            var (state, problem) = await corrected.ReadAsync(request.Sequence, cancellationToken);
            if (state is null)
            {
                return new CorrectionOutcome.Refused(problem!);
            }

            if (state.Corrections.FirstOrDefault(each => ReferenceOf(each) == request.Reference) is { } before)
            {
                return !IsSame(state, before, request) ? new CorrectionOutcome.Refused("another correction of the event has this reference")
                    : await corrected.FindLossAsync(state, before.Sequence, cancellationToken) is { } lost ? new CorrectionOutcome.Refused(lost)
                    : new CorrectionOutcome.Recorded(before.Sequence, IdOf(before), IsNew: false);
            }

            var taken = request.Quantities ?? CorrectionEvent.All(state.Left);
            if ((await corrected.FindProblemAsync(state, cancellationToken) ?? FindProblem(state, taken)) is { } refused)
            {
                return new CorrectionOutcome.Refused(refused);
            }

            var bytes = CorrectionEvent.Create(state, request, taken);
            var result = await publisher.AppendAsync(
                Streams.Usage.Name, SubjectOf(state), bytes, [], await LastAsync(state, cancellationToken), stored => stored.Data.Span.SequenceEqual(bytes), cancellationToken);
            if (result.IsStored)
            {
                return new CorrectionOutcome.Recorded(result.Sequence, state.NextId, IsNew: true);
            }
        }
    }

    private static string? FindProblem(CorrectionState state, IReadOnlyDictionary<string, decimal> taken)
    {
        var left = CorrectionEvent.All(state.Left);
        var fields = CorrectionEvent.Fields(state.Usage.Used!.Type);
        return taken.Keys.Except(fields).FirstOrDefault() is { } unknown ? $"{unknown} is not one of {string.Join(", ", fields)}"
            : taken.Values.Any(quantity => quantity < 0) ? "a quantity is negative: what is taken back is a positive number"
            : taken.Values.All(quantity => quantity == 0) ? "there is nothing to take back"
            : taken.FirstOrDefault(each => each.Value > left.GetValueOrDefault(each.Key)) is { Key: { } field } ? $"{field}: only {left.GetValueOrDefault(field)} is left"
            : null;
    }

    /// <summary>Of the subject, whatever became of it.</summary>
    private async Task<ulong> LastAsync(CorrectionState state, CancellationToken cancellationToken)
    {
        var known = state.Corrections.Count > 0 ? state.Corrections[^1].Sequence : 0;
        while (await reader.NextAsync(Streams.Usage.Name, SubjectOf(state), known + 1, cancellationToken) is { } later && await IsKnownNotToCountAsync(later, cancellationToken))
        {
            known = later.Sequence;
        }

        return known;
    }

    private async Task<bool> IsKnownNotToCountAsync(StoredEntry later, CancellationToken cancellationToken) =>
        Subjects.TryParseUsage(later.Subject, out _, out var tenant) && !await corrected.CountsAsync(later, InspectedUsage.Read(later, tenant), cancellationToken);

    /// <summary>All of it: what is not named is not taken. All that was left is the same only while nothing is.</summary>
    private static bool IsSame(CorrectionState state, StoredEntry before, CorrectionRequest request)
    {
        if (request.Quantities is not { } asked)
        {
            return CorrectionEvent.All(state.Left).Count == 0;
        }

        var data = DataOf(before);
        var fields = CorrectionEvent.Fields(state.Usage.Used!.Type);
        return asked.Keys.All(fields.Contains) && fields.All(field => TakenOf(data, field) == asked.GetValueOrDefault(field));
    }

    private static decimal TakenOf(JsonElement data, string field) =>
        data.TryGetProperty(field, out var was) && was.ValueKind == JsonValueKind.String && decimal.TryParse(was.GetString(), CultureInfo.InvariantCulture, out var quantity) ? -quantity : 0;

    private static string SubjectOf(CorrectionState state) => Subjects.UsageCorrections(state.Usage.Used!.Tenant, PartitionOf(state), state.Original.Sequence);

    private static int PartitionOf(CorrectionState state) => Subjects.TryParseUsage(state.Original.Subject, out var partition, out _) ? partition : throw new InvalidOperationException($"{state.Original.Subject} is no subject of usage.");

    private static string ReferenceOf(StoredEntry correction) => DataOf(correction).GetProperty("reference").GetString()!;

    private static string IdOf(StoredEntry correction) => JsonElement.Parse(correction.Data.Span).GetProperty("id").GetString()!;

    private static JsonElement DataOf(StoredEntry correction) => JsonElement.Parse(correction.Data.Span).GetProperty("data");
}
