using System.Runtime.Versioning;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Tests.Operations;

/// <summary>What a backup leaves behind, and what it says of what it does not.</summary>
public sealed class StreamBackupTests : IAsyncLifetime
{
    private readonly string directory = Directory.CreateTempSubdirectory("kgents-").FullName;
    private NatsServer nats = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming | Parts.Metering, ("ConnectionStrings:openmeter", "Endpoint=http://127.0.0.1:9;Key=none"));
    }

    public async ValueTask DisposeAsync()
    {
        await nats.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    [Fact(Timeout = Limits.Test)]
    [UnsupportedOSPlatform("windows")]
    public async Task Files_AreTheirOwnersAlone_InADirectoryThatOthersMayRead()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        File.SetUnixFileMode(directory, File.GetUnixFileMode(directory) | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

        var (code, text) = await Operator.RunAsync(nats.Url, ["backup", directory]);

        Assert.True(code == 0, text);
        Assert.Contains(Path.Combine(directory, "backup.json"), Directory.GetFiles(directory));
        Assert.All(Directory.GetFiles(directory), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task OldestBackups_AreRemoved_ButForThoseThatAreToBeKept_AndForWhatIsNone()
    {
        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Path.Combine(directory, "a-unfinished")).FullName, "KGENTS_USAGE.snapshot"), "half", TestContext.Current.CancellationToken);
        foreach (var name in (string[])["b-first", "c-second", "d-third"])
        {
            var (code, text) = await Operator.RunAsync(nats.Url, ["backup", Path.Combine(directory, name), "--keep", "2"]);

            Assert.True(code == 0, text);
            Assert.Equal(name == "d-third", text.Contains("b-first", StringComparison.Ordinal) && text.Contains("was removed", StringComparison.Ordinal));
        }

        Assert.Equal(["a-unfinished", "c-second", "d-third"], Directory.GetDirectories(directory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(2, (await Operator.RunAsync(nats.Url, ["backup", Path.Combine(directory, "e"), "--keep", "0"])).ExitCode);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task StreamThatIsMissing_IsSaid_AndTheRestIsBackedUp()
    {
        await using (var connection = new NatsConnection(new NatsOpts { Url = nats.Url }))
        {
            await new NatsJSContext(connection).DeleteStreamAsync(Streams.Usage.Name, TestContext.Current.CancellationToken);
        }

        var (code, text) = await Operator.RunAsync(nats.Url, ["backup", directory]);

        Assert.Equal(1, code);
        Assert.Contains("KGENTS_USAGE is missing", text, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(directory, "backup.json")));
        Assert.True(File.Exists(Path.Combine(directory, "KGENTS_TOKENS.snapshot")));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("{\"version\": 1, \"taken_at\": \"2026-0")]
    [InlineData("{\"version\": 1}")]
    [InlineData("")]
    public async Task ManifestThatIsTorn_IsRefusedInOneLine(string manifest)
    {
        await File.WriteAllTextAsync(Path.Combine(directory, "backup.json"), manifest, TestContext.Current.CancellationToken);

        var (code, text) = await Operator.RunAsync(nats.Url, ["restore", directory]);

        Assert.Equal((1, $"{Path.Combine(directory, "backup.json")} is damaged: this is no backup, or one that did not end"), (code, text.Trim()));
    }
}
