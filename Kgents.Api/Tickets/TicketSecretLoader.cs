using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Tickets;

/// <summary>Reads what tickets are signed with when the process starts, so that a ticket, which anybody may present, costs no read.</summary>
internal sealed class TicketSecretLoader(NatsTopology topology, TicketSecret secret, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(RetryInterval, time);
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            while (!await TryLoadAsync(stoppingToken) && await timer.WaitForNextTickAsync(stoppingToken))
            {
                // NATS does not answer; until it does, every request is refused.
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown before NATS was there.
        }
    }

    private async Task<bool> TryLoadAsync(CancellationToken cancellationToken)
    {
        try
        {
            await secret.GetAsync(cancellationToken);
            return true;
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            return false;
        }
    }
}
