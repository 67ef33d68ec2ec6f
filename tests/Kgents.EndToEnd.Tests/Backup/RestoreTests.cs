using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Chaos;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Backup;

/// <summary>What was backed up, on a server that lost everything.</summary>
[TakesSeconds(45)]
public sealed class RestoreTests : IDisposable
{
    private static readonly IReadOnlyList<string> Kept = [.. Streams.All.Select(stream => stream.Name), .. Buckets.All.Select(bucket => Subjects.KeyValueStream(bucket.Name))];

    private readonly TemporaryDirectory directory = TemporaryDirectory.Create();

    public void Dispose() => directory.Dispose();

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task EverythingIsAsItWas_AndGoesOn_AfterARestore()
    {
        await using var system = await KgentsSystem.StartAsync();
        system.Model.DefaultScript = new ModelScript(new ModelStep.Token("It "), new ModelStep.Pause(TimeSpan.FromMilliseconds(50)), new ModelStep.Token("was."), new ModelStep.Usage(40, 2));
        var session = await system.Client.CreateSessionAsync();
        var said = await system.Client.SayAsync(session, "What was it?");
        await system.Client.SayAsync(session, "And before?");
        await system.Store.UsageExportedAsync();
        Assert.All(await system.TerminateServicesAsync(), code => Assert.Equal(0, code));
        var before = await ReadAllAsync(system);

        await BackUpAsync(system);
        Assert.Contains("is there already", (await OperatorCommand.OperateAsync(system, "restore", Target)).Output, StringComparison.Ordinal);
        await LoseEverythingAsync(system);
        var restored = await OperatorCommand.OperateAsync(system, "restore", Target);
        Assert.True(restored.ExitCode == 0, restored.Output + restored.Errors);

        var after = await ReadAllAsync(system);
        Assert.Equal(before.Keys, after.Keys);
        Assert.All(before, stream => Assert.Equal(stream.Value, after[stream.Key]));

        var requests = system.Model.Requests.Count;
        await system.StartServicesAsync();
        var path = $"/v1/kgent/sessions/{session}/turns/{said.Turn()}/events";
        await using (var resumed = await system.Client.ResumeAsync(path, (ulong)said.Ids()[0]))
        {
            Assert.Equal(said.Skip(1).Select(frame => (frame.Id, frame.Event, frame.Data)), (await resumed.ReadToEndAsync()).Select(frame => (frame.Id, frame.Event, frame.Data)));
        }

        var verified = await OperatorCommand.RunAsync(system, "Kgents.Metering", NatsUsers.Metering, "ledger", "verify");
        Assert.True(verified.ExitCode == 0, verified.Output + verified.Errors);

        // Nothing of the past is run again, and what comes now is.
        Assert.Equal(requests, system.Model.Requests.Count);
        await system.Client.SayAsync(session, "And now?");
        await system.Store.UsageExportedAsync();
        Assert.Equal((3, 0), (system.BilledCalls, system.OpenMeter.Duplicates));
    }

    /// <summary>The streams are read one after the other, and the services write all the time.</summary>
    [Fact(Timeout = Limits.Milliseconds)]
    public async Task EveryTurnHasItsEndAndItsUsage_AfterARestoreOfWhatWasWrittenMeanwhile()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings
        {
            Environment = new Dictionary<string, string?> { ["Sweep__Interval"] = "00:00:00.500", ["Sweep__Age"] = "00:00:01" },
        });
        system.Model.DefaultScript = new ModelScript(new ModelStep.Token("one "), new ModelStep.Pause(TimeSpan.FromMilliseconds(20)), new ModelStep.Token("two"), new ModelStep.Usage(4, 2));
        using var over = new CancellationTokenSource();
        var talking = Task.WhenAll(Enumerable.Range(0, 8).Select(_ => TalkAsync(system, over.Token)));
        await Eventually.TrueAsync(async () => await system.Store.LastAsync(Streams.Usage.Name) > 20);

        await BackUpAsync(system);
        await over.CancelAsync();
        await talking;
        await system.TerminateServicesAsync();
        await LoseEverythingAsync(system);
        var restored = await OperatorCommand.OperateAsync(system, "restore", Target);
        Assert.True(restored.ExitCode == 0, restored.Output + restored.Errors);
        await system.StartServicesAsync();

        await Eventually.TrueAsync(async () => await system.Store.IsIdleAsync() && IsWhole(await StoredLog.ReadAsync(system.Store)));
        await system.Store.UsageExportedAsync();
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Nothing_IsRestored_WhenTheBackupIsDamaged_OrNoneThere()
    {
        await using var system = await KgentsSystem.StartAsync();
        await BackUpAsync(system);
        Assert.Contains("is not empty", (await OperatorCommand.OperateAsync(system, "backup", Target)).Output, StringComparison.Ordinal);
        await system.TerminateServicesAsync();
        await LoseEverythingAsync(system);

        var path = Path.Combine(Target, "KGENTS_TOKENS.snapshot");
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);
        var damaged = await OperatorCommand.OperateAsync(system, "restore", Target);
        File.Delete(Path.Combine(Target, "backup.json"));
        var ended = await OperatorCommand.OperateAsync(system, "restore", Target);

        Assert.Equal((1, "KGENTS_TOKENS.snapshot has changed since it was written: nothing was restored"), (damaged.ExitCode, damaged.Output.Trim()));
        Assert.Equal((1, true), (ended.ExitCode, ended.Output.Contains("one that did not end", StringComparison.Ordinal)));
    }

    private string Target => Path.Combine(directory.Path, "backup");

    private static bool IsWhole(StoredLog log)
    {
        var answered = log.Answers.Select(answer => answer.Message.Turn).ToList();
        var used = log.Usage.Select(usage => usage.Event.Data.TurnId).ToHashSet();
        return log.Users.Select(user => user.Message.Turn).ToHashSet().SetEquals(answered) && answered.Distinct().Count() == answered.Count
            && answered.All(used.Contains) && log.OfTurns.All(turn => turn.Last().IsTerminal);
    }

    private static async Task TalkAsync(KgentsSystem system, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await system.Client.SayAsync(await system.Client.CreateSessionAsync(), "Go on.");
        }
    }

    private async Task BackUpAsync(KgentsSystem system)
    {
        var backup = await OperatorCommand.OperateAsync(system, "backup", Target);
        Assert.True(backup.ExitCode == 0, backup.Output + backup.Errors);
        TestContext.Current.TestOutputHelper?.WriteLine(backup.Output);
    }

    private static async Task LoseEverythingAsync(KgentsSystem system)
    {
        await system.Nats.KillAsync(TestContext.Current.CancellationToken);
        Directory.Delete(system.Nats.StoreDirectory, recursive: true);
        await system.Nats.RestartAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Each message as text: sequence, subject, headers, time and bytes.</summary>
    private static async Task<SortedDictionary<string, IReadOnlyList<string>>> ReadAllAsync(KgentsSystem system)
    {
        var all = new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var stream in Kept)
        {
            all[stream] =
            [
                .. (await system.Store.ReadAsync(stream)).Select(each =>
                    $"{each.Sequence} {each.Subject} {each.Time:O} {string.Join(' ', each.Headers.OrderBy(header => header.Key, StringComparer.Ordinal))} {Convert.ToHexStringLower(each.Data)}"),
            ];
        }

        return all;
    }
}
