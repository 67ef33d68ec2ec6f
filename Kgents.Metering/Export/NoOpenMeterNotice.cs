namespace Kgents.Metering.Export;

/// <summary>Says once that usage is recorded and goes nowhere.</summary>
internal sealed partial class NoOpenMeterNotice(ILogger<NoOpenMeterNotice> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        LogNotConfigured();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Warning, "There is no OpenMeter (ConnectionStrings:openmeter): usage is recorded in KGENTS_USAGE and entered into KGENTS_LEDGER, and stays there, where a later connection finds it.")]
    private partial void LogNotConfigured();
}
