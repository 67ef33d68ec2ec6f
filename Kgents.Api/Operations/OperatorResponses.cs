using System.Globalization;
using Kgents.Contracts;

namespace Kgents.Api.Operations;

/// <summary>A usage event that could not be billed.</summary>
/// <param name="Event">Its bytes, as text; only where one is read.</param>
internal sealed record DeadLetterResponse(string Sequence, TenantId TenantId, string State, string Reason, DateTimeOffset At, string? Event)
{
    public static DeadLetterResponse From(UndeliveredUsage letter) =>
        new(letter.Sequence.ToString(CultureInfo.InvariantCulture), letter.Tenant, letter.State, letter.Reason, letter.At, letter.Payload);
}

/// <summary>Those that wait for a decision.</summary>
internal sealed record DeadLetterPage(IReadOnlyList<DeadLetterResponse> DeadLetters, string? Next);

/// <summary>The event by which usage was taken back.</summary>
internal sealed record CorrectionResponse(string Id, string Sequence);
