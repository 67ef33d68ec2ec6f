using System.Collections.Concurrent;
using System.Runtime.Versioning;
using Kgents.Contracts;
using Kgents.Operations.Backup;
using Kgents.Tests.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Tests.Operations;

/// <summary>What a backup leaves behind, and what it says of what it does not.</summary>
public sealed class StreamBackupTests : BackupTest
{
    [Fact(Timeout = Limits.Test)]
    [UnsupportedOSPlatform("windows")]
    public async Task Files_AreTheirOwnersAlone_InADirectoryThatOthersMayRead()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        File.SetUnixFileMode(Backups, File.GetUnixFileMode(Backups) | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

        var (code, text) = await Operator.RunAsync(Nats.Url, ["backup", Backups]);

        Assert.True(code == 0, text);
        Assert.Contains(Path.Combine(Backups, "backup.json"), Directory.GetFiles(Backups));
        Assert.All(Directory.GetFiles(Backups), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    /// <summary>It takes the room that the next one needs, and may hold conversations.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task BackupThatIsStopped_LeavesNothing()
    {
        var target = Path.Combine(Backups, "nightly", "stopped");
        await using var connection = new NatsConnection(new NatsOpts { Url = Nats.Url });
        using var stop = new CancellationTokenSource();
        var output = new StoppingWriter(stop);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new StreamBackup(new NatsJSContext(connection), TimeProvider.System, output).RunAsync(target, stop.Token));

        Assert.Contains("KGENTS_LEDGER: ", output.ToString(), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(Backups, "nightly")));
    }

    [Fact(Timeout = Limits.Test)]
    [UnsupportedOSPlatform("windows")]
    public async Task DirectoryAboveIt_IsItsOwnersAlone_WhenTheBackupMakesIt()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        var above = Path.Combine(Backups, "by-hand");

        Assert.Equal(0, (await Operator.RunAsync(Nats.Url, ["backup", Path.Combine(above, "one")])).ExitCode);

        Assert.All((string[])[above, Path.Combine(above, "one")], each => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(each)));
    }

    /// <summary>Who dies while it is written leaves no manifest that is half, which would be no rest that the next run may remove.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Manifest_GetsItsName_OnceItIsWhole()
    {
        var manifest = Path.Combine(Backups, "backup.json");
        var (created, named) = (new ConcurrentQueue<string>(), new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously));
        using var watcher = new FileSystemWatcher(Backups) { NotifyFilter = NotifyFilters.FileName };
        watcher.Created += (_, file) => created.Enqueue(file.FullPath);
        watcher.Renamed += (_, file) => named.TrySetResult(file.FullPath);
        watcher.EnableRaisingEvents = true;

        Assert.Equal(0, (await Operator.RunAsync(Nats.Url, ["backup", Backups])).ExitCode);

        Assert.Equal(manifest, await named.Task.WaitAsync(TestContext.Current.CancellationToken));
        Assert.Contains($"{manifest}.snapshot", created);
        Assert.DoesNotContain(manifest, created);
    }

    /// <summary>As of a newer version, which has more streams than this program knows.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task StreamThatTheProgramDoesNotKnow_IsSaid_AndTheBackupIsNotWhole()
    {
        await using var connection = new NatsConnection(new NatsOpts { Url = Nats.Url });
        var jetStream = new NatsJSContext(connection);
        await jetStream.CreateStreamAsync(new("KGENTS_NEWER", ["newer"]), TestContext.Current.CancellationToken);
        await jetStream.CreateStreamAsync(new("KV_kgents_newer", ["newer.bucket"]), TestContext.Current.CancellationToken);
        await jetStream.CreateStreamAsync(new("SOMEBODY_ELSES", ["other"]), TestContext.Current.CancellationToken);

        var (code, text) = await Operator.RunAsync(Nats.Url, ["backup", Backups]);

        Assert.Equal(1, code);
        Assert.Contains("KGENTS_NEWER is not known to this version", text, StringComparison.Ordinal);
        Assert.Contains("KV_kgents_newer is not known to this version", text, StringComparison.Ordinal);
        Assert.DoesNotContain("SOMEBODY_ELSES", text, StringComparison.Ordinal);
        Assert.Contains("KGENTS_NEWER", await File.ReadAllTextAsync(Path.Combine(Backups, "backup.json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task StreamThatIsMissing_IsSaid_AndTheRestIsBackedUp()
    {
        await using (var connection = new NatsConnection(new NatsOpts { Url = Nats.Url }))
        {
            await new NatsJSContext(connection).DeleteStreamAsync(Streams.Usage.Name, TestContext.Current.CancellationToken);
        }

        var (code, text) = await Operator.RunAsync(Nats.Url, ["backup", Backups]);

        Assert.Equal(1, code);
        Assert.Contains("KGENTS_USAGE is missing", text, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Backups, "backup.json")));
        Assert.True(File.Exists(Path.Combine(Backups, "KGENTS_TOKENS.snapshot")));
    }

    /// <summary>A cluster's backup on one machine: the server refuses limits that its store has no room for, in the middle of a restore.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Restore_TakesTheLimitsOfTheSettings_AndRefusesFirstWhatDoesNotFit()
    {
        await using var connection = new NatsConnection(new NatsOpts { Url = Nats.Url });
        var jetStream = new NatsJSContext(connection);
        (await jetStream.PublishAsync("kgents.messages.0.acme.s.user", new string('x', 5000), cancellationToken: TestContext.Current.CancellationToken)).EnsureSuccess();
        Assert.Equal(0, (await Operator.RunAsync(Nats.Url, ["streams", "apply"], ("Nats:MessagesMaxBytes", "100000000"))).ExitCode);
        Assert.Equal(0, (await Operator.RunAsync(Nats.Url, ["backup", Backups])).ExitCode);
        foreach (var name in await jetStream.ListStreamNamesAsync(cancellationToken: TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken))
        {
            await jetStream.DeleteStreamAsync(name, TestContext.Current.CancellationToken);
        }

        var (code, text) = await Operator.RunAsync(Nats.Url, ["restore", Backups], ("Nats:MessagesMaxBytes", "1000"));
        Assert.Equal((1, true), (code, text.StartsWith("Nothing was restored: KGENTS_MESSAGES holds ", StringComparison.Ordinal)));
        Assert.Empty(await jetStream.ListStreamNamesAsync(cancellationToken: TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(0, (await Operator.RunAsync(Nats.Url, ["restore", Backups], ("Nats:MessagesMaxBytes", "6000"))).ExitCode);
        Assert.Equal(6000, (await jetStream.GetStreamAsync(Streams.Messages.Name, cancellationToken: TestContext.Current.CancellationToken)).Info.Config.MaxBytes);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("{\"version\": 1, \"taken_at\": \"2026-0")]
    [InlineData("{\"version\": 1}")]
    [InlineData("")]
    public async Task ManifestThatIsTorn_IsRefusedInOneLine(string manifest)
    {
        await File.WriteAllTextAsync(Path.Combine(Backups, "backup.json"), manifest, TestContext.Current.CancellationToken);

        var (code, text) = await Operator.RunAsync(Nats.Url, ["restore", Backups]);

        Assert.Equal((1, $"{Path.Combine(Backups, "backup.json")} is damaged: this is no backup, or one that did not end"), (code, text.Trim()));
    }

    /// <summary>Stops what is under way as soon as it has said something.</summary>
    private sealed class StoppingWriter(CancellationTokenSource stop) : StringWriter
    {
        public override Task WriteLineAsync(string? value)
        {
            stop.Cancel();
            return base.WriteLineAsync(value);
        }
    }
}
