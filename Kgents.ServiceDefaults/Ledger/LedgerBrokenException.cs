namespace Kgents.ServiceDefaults.Ledger;

/// <summary>The ledger contradicts itself: it was changed, or a part of it is gone. The message is for operators.</summary>
public sealed class LedgerBrokenException(string what)
    : Exception($"The ledger is broken: {what}. `ledger verify` tells more; `ledger rebuild` begins it anew from KGENTS_USAGE.");
