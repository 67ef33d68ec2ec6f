namespace Kgents.Metering.Ledger;

/// <summary>Somebody else has written to the ledger: what this writer knows is old, and it reads again.</summary>
internal sealed class LedgerFenceLostException(int partition) : Exception($"Another writer has the ledger of partition {partition}.");
