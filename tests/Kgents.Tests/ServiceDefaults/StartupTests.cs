using System.Net;
using System.Net.Sockets;
using Kgents.Api;
using Kgents.Metering;
using Kgents.ServiceDefaults;
using Kgents.Streaming;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace Kgents.Tests.ServiceDefaults;

/// <summary>Whoever sets something wrong is told which setting, and sees no stack.</summary>
public sealed class StartupTests
{
    [Theory(Timeout = Limits.Test)]
    [InlineData("Turns:Slots=0", "Turns:Slots (environment: Turns__Slots) is '0': it must be between 1 and 512.")]
    [InlineData("Turns:Slots=many", "Failed to convert configuration value 'many' at 'Turns:Slots'")]
    [InlineData("Model:IdleTimeout=00:00:00", "Model:IdleTimeout (environment: Model__IdleTimeout) is '00:00:00': it must be between ")]
    [InlineData("Messages:MaxBytes=-1", "Messages:MaxBytes (environment: Messages__MaxBytes) is '-1': it must be between 1 and ")]
    [InlineData("Turns:Stream:RingSize=0", "Turns:Stream:RingSize (environment: Turns__Stream__RingSize) is '0': it must be between ")]
    [InlineData("Metering:Ledger:RangeSize=0", "Metering:Ledger:RangeSize (environment: Metering__Ledger__RangeSize) is '0': it must be between ")]
    [InlineData("Nats:Partitions=0", "Nats:Partitions (environment: Nats__Partitions) is '0': it must be between 1 and 64.")]
    [InlineData("Api:Cors:Origins=foo", "Api:Cors:Origins must be origins without a path")]
    [InlineData("Plans:Default=gold", "Plans:Default is 'gold'; it must be one of ")]
    [InlineData("Plans:Table:pro:Foo=1", "'Foo'")]
    [InlineData("ConnectionStrings:llm=foo", "ConnectionStrings:llm (environment: ConnectionStrings__llm): it is not a list of Name=value pairs.")]
    [InlineData("ConnectionStrings:openmeter=Endpoint=x", "ConnectionStrings:openmeter (environment: ConnectionStrings__openmeter): Endpoint is missing or is not an http(s) address.")]
    public async Task WrongSetting_IsToldByItsName_AndIsNoCrash(string setting, string expected)
    {
        var (code, told) = await RunAsync($"--{setting}");

        Assert.Equal(1, code);
        Assert.Contains(expected, told, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", told, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", told, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task SeveralWrongSettings_AreToldTogether()
    {
        var (_, told) = await RunAsync("--Messages:MaxBytes=-1", "--Turns:Stream:RingSize=0");

        Assert.Contains("Messages:MaxBytes", told, StringComparison.Ordinal);
        Assert.Contains("Turns:Stream:RingSize", told, StringComparison.Ordinal);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("Auth:BootstrapKey")]
    [InlineData("Health:Key")]
    public async Task Secret_IsNotRepeated(string setting)
    {
        var (code, told) = await RunAsync($"--{setting}=sesame");

        Assert.Equal(1, code);
        Assert.Contains(setting, told, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", told, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AddressThatIsTaken_IsTold_WithTheWayOut()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();

        var (code, told) = await RunAsync($"--urls=http://{taken.LocalEndpoint}");

        Assert.Equal(1, code);
        Assert.Contains($"{taken.LocalEndpoint}: address already in use.", told, StringComparison.Ordinal);
        Assert.Contains("--urls", told, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Fault_IsLeftToBeSeenWhole() => await Assert.ThrowsAsync<InvalidOperationException>(() =>
        Startup.RunAsync([], TextWriter.Null, () => throw new InvalidOperationException("a fault of ours")));

    [Fact(Timeout = Limits.Test)]
    public async Task Cancellation_ThatNobodyAskedFor_IsAFault() => await Assert.ThrowsAsync<OperationCanceledException>(() =>
        Startup.RunAsync([], TextWriter.Null, () => throw new OperationCanceledException()));

    private static async Task<(int Code, string Told)> RunAsync(params string[] settings)
    {
        await using var told = new StringWriter();
        var code = await Startup.RunAsync(settings, told, async () =>
        {
            var builder = WebApplication.CreateBuilder(["--ConnectionStrings:nats=nats://127.0.0.1:1", "--urls=http://127.0.0.1:0", .. settings]);
            builder.AddServiceDefaults("kgents-tests");
            builder.AddKgentsApi();
            builder.AddKgentsStreaming();
            builder.AddKgentsMetering();
            await using var app = builder.Build();
            await ((IHost)app).RunAsync(TestContext.Current.CancellationToken);
        });
        return (code, told.ToString());
    }
}
