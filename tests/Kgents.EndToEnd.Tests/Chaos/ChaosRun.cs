using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Sessions that talk, cancel and interrupt, and viewers that come and go, while something is done to a system; then what came of it.</summary>
internal sealed class ChaosRun(string name, ChaosSystem system, ChaosSettings settings)
{
    private string books = "";

    public Verdict Verdict { get; } = new();

    /// <summary>What was done to it.</summary>
    public FaultCounts Faults { get; } = new();

    /// <summary>What is stored when all is over: the truth.</summary>
    public StoredLog Log { get; private set; } = null!;

    /// <summary>Talk begins no more when the torment has ended; what hangs after it is ended by the settling time.</summary>
    /// <param name="torment">Begins nothing more once the first token is cancelled.</param>
    public async Task RunAsync(Func<CancellationToken, CancellationToken, Task> torment, CancellationToken cancellationToken)
    {
        var model = new Babble(settings, Faults);
        system.Model.ScriptFor = model.Write;
        var talkers = await Task.WhenAll(Enumerable.Range(0, settings.Sessions).Select(i => StartTalkerAsync(i, system.Tenants[i % system.Tenants.Count])));
        IReadOnlyList<Operator> operators = [.. Enumerable.Range(0, 2).Select(i => new Operator(system, $"operator-{i}", settings.RandomOf($"operator {i}")))];
        var clerk = new Clerk(system, settings.RandomOf("clerk"));
        IReadOnlyList<(string Session, Viewer Viewer)> ofSessions =
            [.. talkers.SelectMany((talker, i) => new[] { false, true }.Select(leaves => (talker.Session, ViewerOf(talker, i, leaves))))];

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        using var seen = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        var viewing = Task.WhenAll(ofSessions.Select(each => each.Viewer.FollowAsync(null, seen.Token)));
        var talking = Task.WhenAll(talkers.Select(talker => talker.TalkAsync(over.Token, limit.Token)));
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var lateAfter = enough.Token.Register(() => late.CancelAfter(ChaosSettings.Settling));
        await Task.WhenAll([torment(enough.Token, cancellationToken), EndAsync(talkers, enough), clerk.RunAsync(enough.Token, late.Token), .. operators.Select(each => each.RunAsync(enough.Token, late.Token))]);
        limit.CancelAfter(ChaosSettings.Settling);
        await over.CancelAsync();
        var closing = clerk.CloseAsync(limit.Token);

        var hung = await SettleAsync([talking]);
        hung ??= await SettleAsync([closing]);
        hung ??= await SettleAsync([Eventually.TrueAsync(() => system.Store.IsIdleAsync()).WaitAsync(limit.Token), .. talkers.Select(talker => talker.SeeAllAsync())]);
        Log = await StoredLog.ReadAsync(system.Store);
        bool AllSeen() => ofSessions.All(each => each.Viewer.LastId >= (Log.OfSessions[each.Session].LastOrDefault()?.Sequence ?? 0));
        hung ??= await SettleAsync([Eventually.TrueAsync(AllSeen).WaitAsync(limit.Token)]);
        await seen.CancelAsync();
        await viewing;

        var settling = SettledUsage.WaitAsync(system, limit.Token);
        hung ??= await SettleAsync([settling]);
        Log = settling.IsCompletedSuccessfully ? (await settling).Log : Log;
        Judge(talkers, ofSessions, model);
        Verdict.Rule("an operator gets no other answer", operators.SelectMany(each => each.Faults));
        if (settling.IsCompletedSuccessfully)
        {
            DecisionJudge.Judge(Verdict, [.. operators.SelectMany(each => each.Decisions)], await settling, system.OpenMeter);
            OrderJudge.Judge(Verdict, [.. clerk.Orders], await settling, system.OpenMeter);
            books = new ExactnessJudge(Verdict, system, await settling).Judge();
        }

        Verdict.Rule("all comes to its end when nothing dies any more", hung is null ? [] : [hung]);
        foreach (var (fault, count) in Faults.All.OrderBy(each => each.Key, StringComparer.Ordinal))
        {
            Verdict.Count(fault, count);
        }
    }

    /// <summary>Also into a file, which <c>./dev</c> prints: a run that is well says how much it tried.</summary>
    public async Task<string> ReportAsync(string measured = "")
    {
        var processes = $"{system.Apis.Count} API replicas, {system.Workers.Count} workers, {system.Meters.Count} of metering, {system.Nats.Name}";
        var report = $"{name}: {settings}, {settings.Sessions} sessions, {processes}\n\n{measured}{books}{Verdict}\n";
        var complaints = system.Replicas.SelectMany(replica => replica.Complaints.Select(line => $"{replica.Project} {line}"));
        var directory = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "chaos")).FullName;
        var file = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{name}-{settings.Seed}"));
        await File.WriteAllTextAsync($"{file}.txt", report);
        await File.WriteAllLinesAsync($"{file}.log", complaints);
        return report;
    }

    private void Judge(IReadOnlyList<Talker> talkers, IReadOnlyList<(string Session, Viewer Viewer)> ofSessions, Babble model)
    {
        var answers = Log.Answers.ToLookup(answer => answer.Message.Turn.ToString());
        var usage = Log.Usage.ToLookup(each => each.Event.Data.TurnId.ToString());
        var ofTurns = Log.TurnUsage.ToLookup(each => each.Event.Data.TurnId.ToString());
        IReadOnlyList<StoredTurn> turns =
        [
            .. from user in Log.Users
               let turn = user.Message.Turn.ToString()
               let answer = answers[turn].FirstOrDefault()
               select new StoredTurn(turn, [.. Log.OfTurns[turn]], answer.Message, answer.Message is null ? null : answer.Time, [.. usage[turn]]) { OwnUsage = [.. ofTurns[turn]] },
        ];
        PostJudge.Judge(Verdict, Log, turns, [.. talkers.SelectMany(talker => talker.Posts)], model);
        TurnJudge.Judge(Verdict, turns);
        BillJudge.Judge(Verdict, Log, turns, model, Faults);
        ViewerJudge.Judge(Verdict, Log, [.. talkers.SelectMany(talker => talker.Viewers)], ofSessions);
        Verdict.Rule("a client gets no other answer", talkers.SelectMany(talker => talker.Faults));
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

    /// <summary>After the time, or when there were enough turns.</summary>
    private async Task EndAsync(IReadOnlyList<Talker> talkers, CancellationTokenSource enough)
    {
        if (settings.Turns is { } turns)
        {
            await Eventually.TrueAsync(() => talkers.Sum(talker => talker.Turns) >= turns);
        }
        else
        {
            await Draws.PassAsync(settings.Time, enough.Token);
        }

        await enough.CancelAsync();
    }

    private static Viewer ViewerOf(Talker talker, int i, bool leaves) =>
        talker.ViewerOf(talker.Session, $"/v1/kgent/sessions/{talker.Session}/events?after=0", $"session viewer {i} {leaves}", ends: false, leaves);

    private async Task<Talker> StartTalkerAsync(int number, ChaosTenant tenant)
    {
        using var response = await tenant.Http.PostAsJsonAsync(new Uri(system.Apis[0].Address, "/v1/kgent/sessions"), new { }, TestContext.Current.CancellationToken);
        var session = (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).Text("id");
        return new Talker(session, number, tenant, system, settings);
    }
}
