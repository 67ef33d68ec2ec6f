namespace Kgents.Api.Usage;

/// <summary>What a tenant has used, added up.</summary>
/// <param name="AsOf">Everything that was recorded before this instant is in.</param>
/// <param name="IsBehind">Usage is recorded that the ledger does not have yet: it is not in, and will be.</param>
internal sealed record UsageResponse(
    DateTimeOffset From,
    DateTimeOffset To,
    string Window,
    IReadOnlyList<string> GroupBy,
    DateTimeOffset AsOf,
    bool IsBehind,
    IReadOnlyList<UsageThrough> Through,
    IReadOnlyList<UsageRow> Usage);

/// <summary>The last event of <c>KGENTS_USAGE</c> that a partition's ledger has.</summary>
internal sealed record UsageThrough(int Partition, string Sequence);

/// <summary>What was used in a window. Quantities are decimal strings; the five kinds of tokens are disjoint.</summary>
internal sealed record UsageRow(
    DateTimeOffset WindowStart,
    DateTimeOffset WindowEnd,
    string? Model,
    string? Session,
    string? Key,
    string Type,
    bool Billable,
    string Events,
    string Requests,
    string Turns,
    string InputTokensUncached,
    string CacheReadTokens,
    string CacheWriteTokens,
    string OutputTokensVisible,
    string ReasoningTokens,
    string TotalTokens);
