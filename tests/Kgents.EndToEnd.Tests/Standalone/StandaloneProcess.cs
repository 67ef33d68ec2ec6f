using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Standalone;

/// <summary>Kgents.Standalone with a nats-server of its own in a given directory, as on a machine where nothing is configured.</summary>
internal sealed partial class StandaloneProcess(ServiceProcess process, string directory) : IAsyncDisposable
{
    public ServiceProcess Service => process;

    private string Home => Path.Combine(directory, ".kgents");

    public static async Task<StandaloneProcess> StartAsync(string directory)
    {
        var environment = new Dictionary<string, string?>
        {
            ["Nats__Directory"] = directory,
            ["ConnectionStrings__nats"] = null,
            ["ConnectionStrings__llm"] = null,
            ["ConnectionStrings__openmeter"] = null,
        };
        var process = await ServiceProcess.StartAsync("Kgents.Standalone", environment, TestContext.Current.CancellationToken);
        await process.WaitForReadyAsync(TestContext.Current.CancellationToken);
        return new StandaloneProcess(process, directory);
    }

    /// <summary>The admin key, once it is printed.</summary>
    public static async Task<string> KeyPrintedByAsync(ServiceProcess process) =>
        (await process.WaitForLineAsync(Key.IsMatch, TestContext.Current.CancellationToken)).Trim();

    public IReadOnlyList<string> PrintedKeys => [.. process.Output.Where(line => Key.IsMatch(line)).Select(line => line.Trim())];

    public async Task<KgentsClient> ConnectAsync(string key)
    {
        var client = new KgentsClient(process.Address, key);
        await client.WaitUntilKnownAsync();
        return client;
    }

    /// <summary>Where its nats-server listens.</summary>
    public async Task<Uri> ReadNatsAddressAsync()
    {
        var file = Assert.Single(Directory.GetFiles(Home, "*.ports"));
        var ports = JsonElement.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        return new Uri(ports.GetProperty("nats")[0].GetString()!);
    }

    public static async Task<bool> IsListeningAsync(Uri address)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>SIGTERM, so that its nats-server ends too; one that was killed before left it behind.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            await process.TerminateAsync(CancellationToken.None);
        }
        else if (Directory.EnumerateFiles(Home, "*.ports").Any())
        {
            using var orphan = Process.GetProcessById(int.Parse(await File.ReadAllTextAsync(Path.Combine(Home, "nats-server.pid")), CultureInfo.InvariantCulture));
            orphan.Kill();
        }

        await process.DisposeAsync();
    }

    [GeneratedRegex(@"^\s*kg_[a-z0-9]{5}_[A-Za-z0-9_-]{43}$")]
    private static partial Regex Key { get; }
}
