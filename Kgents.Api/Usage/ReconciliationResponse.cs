using Kgents.Contracts;

namespace Kgents.Api.Usage;

/// <summary>The last comparison of each partition in which the tenant has usage.</summary>
internal sealed record ReconciliationResponse(IReadOnlyList<ReconciliationRecord> Partitions);
