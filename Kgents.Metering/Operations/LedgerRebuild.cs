using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Operations;

/// <summary>Begins a ledger anew, beside a replica that may write to it at any time.</summary>
internal sealed class LedgerRebuild(MeteringSessions sessions, JetStreamReader reader, TextWriter output)
{
    /// <summary>Each but the first reads only what was written since the one before it, unless that decides on an event of which nothing was known.</summary>
    private const int Tries = 100;

    /// <summary>False when it could not be done.</summary>
    /// <exception cref="LedgerFenceLostException">A replica was faster each time; nothing was done.</exception>
    public async Task<bool> RunAsync(int partition, string reason, CancellationToken cancellationToken)
    {
        var decisions = new EarlierDecisions(reader);
        for (var tries = 1; ; tries++)
        {
            var ledger = sessions.OpenLedger(partition);
            await ledger.LoadLastAsync(cancellationToken);
            var decided = await decisions.ReadAsync(ledger, cancellationToken);
            if (decided.Count > UsageDecisions.Most)
            {
                await output.WriteLineAsync($"Nothing was done: {decided.Count} decisions of operators hold, and a ledger begins with at most {UsageDecisions.Most}.");
                return false;
            }

            try
            {
                await sessions.CreateReceiver(ledger).OpenAsync(reason, decided, cancellationToken);
                await output.WriteLineAsync("The ledger begins anew. A running replica reads KGENTS_USAGE again, and asks OpenMeter for each event before it sends it.");
                return true;
            }
            catch (LedgerFenceLostException) when (tries < Tries)
            {
                // A replica wrote. It may have been a decision.
            }
        }
    }
}
