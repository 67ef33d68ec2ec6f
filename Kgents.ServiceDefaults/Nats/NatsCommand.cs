using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>A command of an operator's on a host of its own: it ends when it is done, when NATS is not there, and when it is told to.</summary>
public static class NatsCommand
{
    /// <summary>How long an operator waits for NATS: long enough for a cluster to choose its leaders.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>What the command says, or 1 when it could not be begun or was stopped. The host is stopped in the end.</summary>
    public static async Task<int> RunAsync(IHost host, TextWriter output, TimeSpan patience, Func<CancellationToken, Task<int>> command, CancellationToken cancellationToken)
    {
        // Ctrl+C and SIGTERM stop the host, and so does a server that is too old.
        var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping, cancellationToken);
        NatsTopology? topology = null;
        try
        {
            topology = host.Services.GetRequiredService<NatsTopology>();
            await host.StartAsync(ending.Token);
            await topology.WhenCreatedAsync(patience, ending.Token);
            return await command(ending.Token);
        }
        catch (TopologyException exception)
        {
            await output.WriteLineAsync(exception.Message);
        }
        catch (Exception exception) when (Startup.Explain(exception, host.Services.GetRequiredService<IConfiguration>()) is { } why)
        {
            await output.WriteLineAsync(why);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            await output.WriteLineAsync(topology?.Problem is { } problem ? $"Stopped: {problem}" : "Stopped before it was done.");
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }

        return 1;
    }
}
