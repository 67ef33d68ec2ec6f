using System.Text.RegularExpressions;
using Kgents.Operations.Backup;
using Kgents.Tests.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Tests.Operations;

/// <summary>Which backups stay, which go, and who is told.</summary>
public sealed partial class BackupRetentionTests : BackupTest
{
    private readonly string elsewhere = Directory.CreateTempSubdirectory("kgents-").FullName;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(elsewhere, recursive: true);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task OldestBackups_AreRemoved_ButForThoseThatAreToBeKept()
    {
        foreach (var name in (string[])["b-first", "c-second", "d-third"])
        {
            var text = await BackUpAsync(name, keep: 2);

            Assert.Equal(name == "d-third", text.Contains("b-first, of ", StringComparison.Ordinal) && text.Contains("was removed", StringComparison.Ordinal));
        }

        Assert.Equal(["c-second", "d-third"], Left);
        Assert.Equal(2, (await Operator.RunAsync(Nats.Url, ["backup", Path.Combine(Backups, "e"), "--keep", "0"])).ExitCode);
    }

    /// <summary>Else a stream that is lost takes the backups that still had it with it, one each night.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task BackupThatIsNotWhole_TakesNoOthersPlace_AndStays()
    {
        await BackUpAsync("a-whole", keep: 2);
        await using (var connection = new NatsConnection(new NatsOpts { Url = Nats.Url }))
        {
            var jetStream = new NatsJSContext(connection);
            await jetStream.CreateStreamAsync(new("KGENTS_NEWER", ["newer"]), TestContext.Current.CancellationToken);
            foreach (var name in (string[])["b-lacks-one", "c-lacks-one"])
            {
                Assert.Equal(1, (await Operator.RunAsync(Nats.Url, ["backup", Path.Combine(Backups, name), "--keep", "2"])).ExitCode);
            }

            await jetStream.DeleteStreamAsync("KGENTS_NEWER", TestContext.Current.CancellationToken);
        }

        await BackUpAsync("d-whole", keep: 2);

        Assert.Equal(["a-whole", "b-lacks-one", "c-lacks-one", "d-whole"], Left);
    }

    /// <summary>The clock of an earlier backup was ahead: it is the newest by what it says.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task BackupThatWasJustMade_Stays_WhateverTheTimesOfOthersSay()
    {
        await BackUpAsync("a", keep: 1);
        var manifest = Path.Combine(Backups, "a", "backup.json");
        await File.WriteAllTextAsync(manifest, TakenAt.Replace(await File.ReadAllTextAsync(manifest, TestContext.Current.CancellationToken), "\"2100-"), TestContext.Current.CancellationToken);

        await BackUpAsync("b", keep: 1);

        Assert.Equal(["b"], Left);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task LinkToABackupElsewhere_IsNotFollowed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a right there.");
        Assert.Equal(0, (await Operator.RunAsync(Nats.Url, ["backup", Path.Combine(elsewhere, "monthly")])).ExitCode);
        Directory.CreateSymbolicLink(Path.Combine(Backups, "a"), Path.Combine(elsewhere, "monthly"));

        await BackUpAsync("b", keep: 1);

        Assert.True(File.Exists(Path.Combine(elsewhere, "monthly", "backup.json")));
        Assert.Equal(["a", "b"], Left);
    }

    /// <summary>The backup that was made is as good as it is without: who runs it is not told to run it again.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task FileOfSomebodyElse_StaysAndIsSaid_AndTheBackupSucceeds()
    {
        await BackUpAsync("a", keep: 1);
        await File.WriteAllTextAsync(Path.Combine(Backups, "a", "notes.txt"), "why", TestContext.Current.CancellationToken);

        Assert.Contains("a could not be removed", await BackUpAsync("b", keep: 1), StringComparison.Ordinal);
        Assert.Contains(".removed-a could not be removed", await BackUpAsync("c", keep: 1), StringComparison.Ordinal);

        Assert.Equal([".removed-a", "c"], Left);
        Assert.Equal(["notes.txt"], Directory.GetFiles(Path.Combine(Backups, ".removed-a")).Select(Path.GetFileName));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task RestsOfRunsThatDied_AreRemovedByTheNext_AndWhatIsUnderWayIsNot()
    {
        // One died while it removed, after a part of the files; two while they wrote, yesterday, the second its manifest; one may still be writing.
        await BackUpAsync("a", keep: 7);
        Directory.Move(Path.Combine(Backups, "a"), Path.Combine(Backups, ".removed-a"));
        File.Delete(Path.Combine(Backups, ".removed-a", "KGENTS_LEDGER.snapshot"));
        await WriteAsync("b-died", "KGENTS_LEDGER.snapshot", TimeSpan.FromHours(7));
        await WriteAsync("b-died-at-its-end", "KGENTS_LEDGER.snapshot", TimeSpan.FromHours(7));
        await WriteAsync("b-died-at-its-end", "backup.json.snapshot", TimeSpan.FromHours(7));
        await WriteAsync("c-writes", "KGENTS_LEDGER.snapshot", TimeSpan.Zero);
        await WriteAsync("d-somebody-elses", "KGENTS_LEDGER.snapshot", TimeSpan.FromHours(7));
        await WriteAsync("d-somebody-elses", "report.txt", TimeSpan.FromHours(7));

        await BackUpAsync("e", keep: 7);

        Assert.Equal(["c-writes", "d-somebody-elses", "e"], Left);
    }

    /// <summary>Somebody else removes old ones too, or two runs meet: that is no failure of the backup that is made.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task RestThatIsTakenAwayMeanwhile_HoldsUpNoOther()
    {
        foreach (var name in (string[])["a-died", "b-died", "c-died"])
        {
            await WriteAsync(name, "KGENTS_LEDGER.snapshot", TimeSpan.FromHours(7));
        }

        await using var output = new StringWriter();
        var time = new TimeOfALook(() =>
        {
            Directory.Delete(Path.Combine(Backups, "a-died"), recursive: true);
            Directory.Delete(Path.Combine(Backups, "b-died"), recursive: true);
        });

        await new BackupRetention(time, output).RemoveRestsAsync(Backups, TestContext.Current.CancellationToken);

        Assert.Empty(Left);
        Assert.Contains("c-died, which did not end, was removed.", output.ToString(), StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task List_NamesEachBackup_AndWhetherItIsWhole()
    {
        await BackUpAsync(Path.Combine("nightly", "a"), keep: 7);
        await WriteAsync("died", "KGENTS_LEDGER.snapshot", TimeSpan.Zero);

        // Without NATS, which may be what was lost.
        var (code, text) = await Operator.RunAsync("nats://127.0.0.1:9", ["backups", Backups]);

        Assert.Equal(0, code);
        Assert.Matches($@"^{Path.Combine(Backups, "died")}: unfinished, 4 bytes\n{Path.Combine(Backups, "nightly", "a")}: \d{{4}}-[^,]+Z, whole, \d{{4,}} bytes\n$", text);
        Assert.Equal((1, $"There is no backup in {elsewhere}."), await ListAsync(elsewhere));
    }

    private IEnumerable<string?> Left => Directory.GetDirectories(Backups).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private async Task<(int Code, string Text)> ListAsync(string where)
    {
        var (code, text) = await Operator.RunAsync(Nats.Url, ["backups", where]);
        return (code, text.Trim());
    }

    private async Task<string> BackUpAsync(string name, int keep)
    {
        var (code, text) = await Operator.RunAsync(Nats.Url, ["backup", Path.Combine(Backups, name), "--keep", $"{keep}"]);
        Assert.True(code == 0, text);
        return text;
    }

    private async Task WriteAsync(string name, string file, TimeSpan age)
    {
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(Backups, name)).FullName, file);
        await File.WriteAllTextAsync(path, "half", TestContext.Current.CancellationToken);
        new FileInfo(path).LastWriteTimeUtc -= age;
    }

    /// <summary>Something happens when it is first looked how old one is.</summary>
    private sealed class TimeOfALook(Action act) : TimeProvider
    {
        private Action? next = act;

        public override DateTimeOffset GetUtcNow()
        {
            Interlocked.Exchange(ref next, null)?.Invoke();
            return base.GetUtcNow();
        }
    }

    [GeneratedRegex(@"(?<=""taken_at"": )""\d{4}-")]
    private static partial Regex TakenAt { get; }
}
