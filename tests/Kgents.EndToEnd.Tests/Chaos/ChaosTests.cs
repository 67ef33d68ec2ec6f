using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.EndToEnd.Tests.Readme;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// Everything at once: sessions that talk, cancel and interrupt, viewers that come and go, and processes that die under them. What is stored is
/// the truth, and each viewer must have seen just that.
/// </summary>
[Collection(typeof(Alone))]
public sealed class ChaosTests
{
    // No timeout: the time may be given. What hangs is ended by the settling time, and then judged.
    [Fact]
    public async Task Everything_HappensOnceAndIsSeenOnceByAll_WhateverDies()
    {
        var settings = ChaosSettings.FromEnvironment();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(settings.Time + ChaosSettings.Settling);
        await using var system = await ChaosSystem.StartAsync(TestContext.Current.CancellationToken);
        var model = new Babble(settings);
        system.Model.ScriptFor = model.Write;
        var talkers = await Task.WhenAll(Enumerable.Range(0, settings.Sessions).Select(async i => new Talker(await CreateSessionAsync(system), i, system, settings)));
        IReadOnlyList<(string Session, Viewer Viewer)> ofSessions =
            [.. talkers.SelectMany((talker, i) => new[] { false, true }.Select(leaves => (talker.Session, ViewerOf(system, settings, talker, i, leaves))))];
        var faults = new Faults(system, settings);

        using var over = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        using var seen = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        var viewing = Task.WhenAll(ofSessions.Select(each => each.Viewer.FollowAsync(null, seen.Token)));
        over.CancelAfter(settings.Time);
        var tormenting = faults.RunAsync(over.Token, TestContext.Current.CancellationToken);
        var hung = await SettleAsync([tormenting, .. talkers.Select(talker => talker.TalkAsync(over.Token, limit.Token))]);
        hung ??= await SettleAsync([Eventually.TrueAsync(() => system.Store.IsIdleAsync()).WaitAsync(limit.Token), .. talkers.Select(talker => talker.SeeAllAsync())]);
        var log = await StoredLog.ReadAsync(system.Store);
        bool AllSeen() => ofSessions.All(each => each.Viewer.LastId >= (log.OfSessions[each.Session].LastOrDefault()?.Sequence ?? 0));
        hung ??= await SettleAsync([Eventually.TrueAsync(AllSeen).WaitAsync(limit.Token)]);
        await seen.CancelAsync();
        await viewing;

        var verdict = Judge(log, talkers, ofSessions, model, faults);
        verdict.Rule("all comes to its end when nothing dies any more", hung is null ? [] : [hung]);
        var report = await ReportAsync(settings, verdict, system);
        Assert.True(verdict.IsClean, report);
        Assert.All(
            ["nats-server killed", "Kgents.Api killed", "Kgents.Streaming killed", "turns that ended completed", "posts that were sent again"],
            what => Assert.True(verdict.Of(what) > 0, $"There were no {what}: this run proves little. {report}"));
    }

    private static Verdict Judge(StoredLog log, IReadOnlyList<Talker> talkers, IReadOnlyList<(string Session, Viewer Viewer)> ofSessions, Babble model, Faults faults)
    {
        var verdict = new Verdict();
        foreach (var (fault, count) in faults.Counts.OrderBy(each => each.Key, StringComparer.Ordinal))
        {
            verdict.Count(fault, count);
        }

        var answers = log.Answers.ToLookup(answer => answer.Message.Turn.ToString());
        var usage = log.Usage.ToLookup(each => each.Event.Data.TurnId.ToString());
        var ofTurns = log.TurnUsage.ToLookup(each => each.Event.Data.TurnId.ToString());
        IReadOnlyList<StoredTurn> turns =
        [
            .. from user in log.Users
               let turn = user.Message.Turn.ToString()
               let answer = answers[turn].FirstOrDefault()
               select new StoredTurn(turn, [.. log.OfTurns[turn]], answer.Message, answer.Message is null ? null : answer.Time, [.. usage[turn]]) { OwnUsage = [.. ofTurns[turn]] },
        ];
        PostJudge.Judge(verdict, log, turns, [.. talkers.SelectMany(talker => talker.Posts)], model);
        TurnJudge.Judge(verdict, turns);
        ViewerJudge.Judge(verdict, log, [.. talkers.SelectMany(talker => talker.Viewers)], ofSessions);
        verdict.Rule("a client gets no other answer", talkers.SelectMany(talker => talker.Faults));
        return verdict;
    }

    /// <summary>What did not come to its end, and why; null when all did.</summary>
    private static async Task<string?> SettleAsync(IReadOnlyList<Task> tasks)
    {
        try
        {
            await Task.WhenAll(tasks);
            return null;
        }
        catch (OperationCanceledException exception)
        {
            return exception.ToString();
        }
    }

    private static Viewer ViewerOf(ChaosSystem system, ChaosSettings settings, Talker talker, int i, bool leaves) =>
        new(talker.Session, $"/v1/kgent/sessions/{talker.Session}/events?after=0", system, settings.RandomOf($"session viewer {i} {leaves}"), ends: false, leaves);

    private static async Task<string> CreateSessionAsync(ChaosSystem system)
    {
        using var response = await system.Http.PostAsJsonAsync(new Uri(system.Apis[0].Address, "/v1/kgent/sessions"), new { }, TestContext.Current.CancellationToken);
        return (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).Text("id");
    }

    /// <summary>Also into a file, which <c>./dev</c> prints: a run that is well says how much it tried.</summary>
    private static async Task<string> ReportAsync(ChaosSettings settings, Verdict verdict, ChaosSystem system)
    {
        var processes = $"{system.Apis.Count} API replicas, {system.Workers.Count} workers, 1 nats-server";
        var report = $"chaos: seed {settings.Seed}, {settings.Time} of faults, {settings.Sessions} sessions, {processes}\n\n{verdict}\n";
        var complaints = system.Apis.Concat(system.Workers).SelectMany(replica => replica.Complaints.Select(line => $"{replica.Project} {line}"));
        var directory = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "chaos")).FullName;
        var seed = settings.Seed.ToString(CultureInfo.InvariantCulture);
        await File.WriteAllTextAsync(Path.Combine(directory, $"{seed}.txt"), report);
        await File.WriteAllLinesAsync(Path.Combine(directory, $"{seed}.log"), complaints);
        return report;
    }
}
