using Kgents.ServiceDefaults;
using Kgents.ServiceDefaults.Nats;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kgents.Tests.Operations;

/// <summary>Nobody sits before a command that hangs.</summary>
public sealed class NatsCommandTests
{
    [Fact(Timeout = Limits.Test)]
    public async Task NatsThatIsNotThere_IsSaid_AndTheCommandFails()
    {
        using var host = Create();

        var (code, text) = await RunAsync(host, TimeSpan.FromMilliseconds(100), _ => Task.FromResult(0));

        Assert.Equal(1, code);
        Assert.NotEmpty(text);
    }

    /// <summary>At once: it cannot become one.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task AddressThatIsNone_IsSaid_AndTheCommandFails()
    {
        using var host = Create("http://127.0.0.1:9");

        var (code, text) = await RunAsync(host, Timeout.InfiniteTimeSpan, _ => Task.FromResult(0));

        Assert.Equal(1, code);
        Assert.StartsWith("ConnectionStrings:nats", text, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WaitForNats_EndsWhenTheProgramIsStopped()
    {
        using var host = Create();
        var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        lifetime.ApplicationStarted.Register(lifetime.StopApplication);

        var (code, text) = await RunAsync(host, Timeout.InfiniteTimeSpan, _ => Task.FromResult(0));

        Assert.Equal(1, code);
        Assert.StartsWith("Stopped", text, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task CommandUnderWay_EndsWhenTheProgramIsStopped()
    {
        await using var nats = await Kgents.Testing.NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        using var host = Create(nats.Url);

        var (code, text) = await RunAsync(host, Timeout.InfiniteTimeSpan, async stopping =>
        {
            host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
            await Task.Delay(Timeout.Infinite, stopping);
            return 0;
        });

        Assert.Equal((1, "Stopped before it was done."), (code, text.Trim()));
    }

    /// <summary>By default at a port where nobody listens.</summary>
    private static IHost Create(string url = "nats://127.0.0.1:9")
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:nats", url)]);
        builder.AddServiceDefaults("kgents-operator");
        builder.Logging.ClearProviders();
        return builder.Build();
    }

    private static async Task<(int ExitCode, string Text)> RunAsync(IHost host, TimeSpan patience, Func<CancellationToken, Task<int>> command)
    {
        await using var output = new StringWriter();
        return (await NatsCommand.RunAsync(host, output, patience, command, TestContext.Current.CancellationToken), output.ToString());
    }
}
