using Kgents.Contracts;
using Kgents.Metering.Confirm;
using Kgents.Metering.Corrections;
using Kgents.Metering.DeadLetters;
using Kgents.Metering.Ledger;
using Kgents.Metering.Reconcile;
using Kgents.ServiceDefaults;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Operations;

/// <summary>What an operator does by hand, beside the running replicas: the fence keeps the two apart.</summary>
internal static class MeteringCommands
{
    private const string Usage = """
        usage: ledger show                                  what the ledger adds up to, and what is missing
               ledger verify                                read all of it beside KGENTS_USAGE, and compare
               ledger reconcile [--hours N]                 put token log, ledger and OpenMeter side by side, by tenant, hour and model, in all partitions
               ledger resend --reason TEXT [--hours N]      the same, and have sent again what OpenMeter showed once and lost
               ledger rebuild --reason TEXT                 begin it anew from KGENTS_USAGE; OpenMeter is asked before anything is sent
               ledger reissue SEQUENCE --reason TEXT        send a missing event under a new id
               ledger correct SEQUENCE --reason TEXT --reference TEXT [--take FIELD=NUMBER]...
                                                            take back what is left of an event, or so much of it; the same reference is the same correction
               dead-letters list                            events that were refused or quarantined, and why
               dead-letters inspect SEQUENCE                one of them, with its bytes
               dead-letters replay SEQUENCE --reason TEXT   send a refused event again, as it is
               dead-letters discard SEQUENCE --reason TEXT  give one up
        A sequence is that of the event in KGENTS_USAGE. --partition N takes another ledger than that of partition 0; reconcile takes all.

        """;

    public static bool Has(string[] args) => args is ["ledger" or "dead-letters", ..];

    /// <summary>A command of the line, on a host of its own.</summary>
    /// <param name="explainBy">Is given the configuration, for <see cref="Startup"/>.</param>
    /// <returns>0 when it was done, or help was asked for; 1 when it could not be, 2 when the command is not understood.</returns>
    public static async Task<int> RunAsync(string[] args, TextWriter output, Action<IConfiguration> explainBy, CancellationToken cancellationToken)
    {
        if (MeteringArguments.TryParse(args) is not { } arguments)
        {
            await output.WriteAsync(Usage);
            return args.Any(argument => argument is "--help" or "-h") ? 0 : 2;
        }

        using var host = CreateHost(explainBy);
        return await NatsCommand.RunAsync(host, output, NatsCommand.Patience, stopping => RunAsync(arguments, host.Services, output, stopping), cancellationToken);
    }

    /// <summary>The command itself, on services that are there.</summary>
    public static async Task<int> RunAsync(MeteringArguments arguments, IServiceProvider services, TextWriter output, CancellationToken cancellationToken)
    {
        var sessions = services.GetRequiredService<MeteringSessions>();
        try
        {
            var ledger = sessions.OpenLedger(arguments.Partition);
            if (arguments.Verb == "verify")
            {
                return await VerifyAsync(ledger, services.GetRequiredService<JetStreamReader>(), output, cancellationToken);
            }

            if (arguments.Verb is "reconcile" or "resend")
            {
                var partitions = services.GetRequiredService<IOptions<NatsTopologyOptions>>().Value.Partitions;
                var command = new ReconcileCommand(
                    sessions, services.GetService<OpenMeterEvents>(), services.GetService<MeterComparison>(), partitions, services.GetRequiredService<TimeProvider>(), output);
                return await command.RunAsync(arguments, cancellationToken);
            }

            if (arguments.Verb == "rebuild")
            {
                return await new LedgerRebuild(sessions, services.GetRequiredService<JetStreamReader>(), output).RunAsync(arguments.Partition, arguments.Reason!, cancellationToken) ? 0 : 1;
            }

            await ledger.LoadAsync(cancellationToken);
            if (arguments.Verb == "correct")
            {
                return await CorrectAsync(arguments, ActivatorUtilities.CreateInstance<UsageCorrector>(services, ledger), output, cancellationToken);
            }

            var decisions = new LedgerDecisions(ledger, services.GetRequiredService<UsageDeadLetters>(), services.GetRequiredService<JetStreamReader>(), output);
            return await decisions.RunAsync(arguments, cancellationToken) ? 0 : 1;
        }
        catch (LedgerFenceLostException)
        {
            await output.WriteLineAsync("A replica wrote to the ledger at the same time, and nothing was done. Once more.");
        }
        catch (LedgerBrokenException exception)
        {
            await output.WriteLineAsync(exception.Message);
        }

        return 1;
    }

    private static async Task<int> VerifyAsync(UsageLedger ledger, JetStreamReader reader, TextWriter output, CancellationToken cancellationToken)
    {
        var audit = new LedgerAudit(ledger, reader);
        await audit.RunAsync(cancellationToken);
        await output.WriteLineAsync($"{audit.Entries} entries and {audit.Events} events of {Streams.Usage.Name} were read; {(audit.Differences.Count == 0 ? "they say the same." : "they differ:")}");
        foreach (var difference in audit.Differences)
        {
            await output.WriteLineAsync($"  {difference}");
        }

        return audit.Differences.Count == 0 ? 0 : 1;
    }

    private static async Task<int> CorrectAsync(MeteringArguments arguments, UsageCorrector corrector, TextWriter output, CancellationToken cancellationToken)
    {
        switch (await corrector.CorrectAsync(new CorrectionRequest(arguments.Sequence, arguments.Reference!, arguments.Reason!, arguments.Quantities), cancellationToken))
        {
            case CorrectionOutcome.Recorded done:
                await output.WriteLineAsync($"{arguments.Sequence} {(done.IsNew ? "is" : "was")} corrected by {done.Id}, which is {done.Sequence}. It goes into the ledger and to OpenMeter as every usage.");
                return 0;
            case CorrectionOutcome.Refused refused:
                await output.WriteLineAsync($"Nothing was done: {refused.Why}.");
                return 1;
            case var outcome:
                throw new InvalidOperationException($"{outcome} is no outcome of a correction.");
        }
    }

    private static IHost CreateHost(Action<IConfiguration> explainBy)
    {
        var builder = Host.CreateApplicationBuilder();
        explainBy(builder.Configuration);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);

        // What a command cannot do it says itself, in one line.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.AddServiceDefaults("kgents-metering-command");
        builder.AddMeteringCore();
        builder.AddReconciliation();
        return builder.Build();
    }
}
