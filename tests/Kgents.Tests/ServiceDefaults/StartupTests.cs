using System.Net;
using System.Net.Sockets;
using Kgents.Api;
using Kgents.Metering;
using Kgents.ServiceDefaults;
using Kgents.Streaming;
using Kgents.Tests.Deployment;
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

    /// <summary>As a program: what is wrong with its arguments is thrown before there is a configuration.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("Kgents.Api", "", "", "-x=1", "'-x=1'")]
    [InlineData("Kgents.Metering", "ConnectionStrings__openmeter", "x", "", "ConnectionStrings:openmeter (environment: ConnectionStrings__openmeter): it is not a list of Name=value pairs.")]
    [InlineData("Kgents.Metering", "ConnectionStrings__openmeter", "x", "ledger show", "ConnectionStrings:openmeter (environment: ConnectionStrings__openmeter): it is not a list of Name=value pairs.")]
    [InlineData("Kgents.Metering", "DOTNET_Nats__Partitions", "0", "dead-letters list", "Nats:Partitions (environment: Nats__Partitions) is '0': it must be between 1 and 64.")]
    [InlineData("Kgents.Operations", "DOTNET_Nats__Partitions", "0", "streams show", "Nats:Partitions (environment: Nats__Partitions) is '0': it must be between 1 and 64.")]
    [InlineData("Kgents.Streaming", "ASPNETCORE_Turns__Slots", "0", "", "Turns:Slots (environment: Turns__Slots) is '0': it must be between 1 and 512.")]
    public async Task Program_SaysWhatIsWrong_InOneLine(string project, string variable, string value, string arguments, string expected)
    {
        Dictionary<string, string?> environment = new() { ["ConnectionStrings__nats"] = "nats://127.0.0.1:1", ["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = null };
        if (variable != "")
        {
            environment[variable] = value;
        }

        var (code, output, errors) = await DotnetCommand.RunProgramAsync(project, environment, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(1, code);
        Assert.Contains(expected, Assert.Single($"{output}{errors}".Trim().Split(Environment.NewLine)), StringComparison.Ordinal);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("Kgents.Metering", "ledger", "--help", "usage: ledger show")]
    [InlineData("Kgents.Operations", "backup", "-h", "usage: streams show")]
    public async Task CommandAskedForHelp_SaysHowItIsUsed_AndDoesNothing(string project, string command, string option, string expected)
    {
        var (code, output, _) = await DotnetCommand.RunProgramAsync(project, new Dictionary<string, string?>(), command, option);

        Assert.Equal(0, code);
        Assert.StartsWith(expected, output, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Fault_IsLeftToBeSeenWhole() => await Assert.ThrowsAsync<InvalidOperationException>(() =>
        Startup.RunAsync(TextWriter.Null, _ => throw new InvalidOperationException("a fault of ours")));

    [Fact(Timeout = Limits.Test)]
    public async Task Cancellation_ThatNobodyAskedFor_IsAFault() => await Assert.ThrowsAsync<OperationCanceledException>(() =>
        Startup.RunAsync(TextWriter.Null, _ => throw new OperationCanceledException()));

    private static async Task<(int Code, string Told)> RunAsync(params string[] settings)
    {
        await using var told = new StringWriter();
        var code = await Startup.RunAsync(told, async explainBy =>
        {
            var builder = WebApplication.CreateBuilder(["--ConnectionStrings:nats=nats://127.0.0.1:1", "--urls=http://127.0.0.1:0", .. settings]);
            explainBy(builder.Configuration);
            builder.AddServiceDefaults("kgents-tests");
            builder.AddKgentsApi();
            builder.AddKgentsStreaming();
            builder.AddKgentsMetering();
            await using var app = builder.Build();
            await ((IHost)app).RunAsync(TestContext.Current.CancellationToken);
            return 0;
        });
        return (code, told.ToString());
    }
}
