using System.Text;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming.Sweeping;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.Core;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Sweeping;

/// <summary>A turn that was left unfinished, and that the queue brings to nobody, is finished from its log: once, whoever else is at it.</summary>
public sealed class SweepTests : SweepTest
{
    private async Task IsFinishedOnceAsync(TurnStatus status, string text, int billed)
    {
        var entries = await api.Reader.ReadAsync(Streams.Tokens.Name, Subjects.Tokens(Address), 1, 0, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        var usage = await api.Reader.ReadAsync(Streams.Usage.Name, Subjects.AllUsage, 1, 0, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        var answer = Assert.Single(await Conversations.AnswersAsync(api, session.ToString()), answer => answer.Turn == turn);

        Assert.Equal((status, text), (answer.Status, answer.Text));
        Assert.Single(entries, entry => TurnEventCodec.IsTerminal(entry.Header(TurnHeaders.Event)!));
        Assert.True(TurnEventCodec.IsTerminal(entries[^1].Header(TurnHeaders.Event)!));
        Assert.Equal(billed, usage.Count(entry => Encoding.UTF8.GetString(entry.Data.Span).Contains("\"u-1\"", StringComparison.Ordinal)));
    }

    private async Task<List<StoredEntry>> ReadAsync(string subject) =>
        await api.Reader.ReadAsync(Streams.Tokens.Name, subject, 1, 0, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);

    [Fact(Timeout = Limits.Test)]
    public async Task CommittedTurn_IsFinishedOnce_WhenItsMessageIsGoneAndTwoSweepAtOnce()
    {
        await LogAsync(new TurnAccepted(turn, 1, "gone"), new TurnChunk("whole", 0), Commit("whole"));

        await Task.WhenAll(SweepAsync(first), SweepAsync(second));
        await SweepAsync(first);

        await IsFinishedOnceAsync(TurnStatus.Completed, "whole", billed: 1);

        // The answer has no number of its own, so the next message is not taken for answered.
        Assert.Equal("complete", new Turn(await api.Client.SayAsync(session.ToString(), "after")).EndKind);
        Assert.Equal([1, 1, 2], (await Conversations.AnswersAsync(api, session.ToString())).Select(answer => answer.N));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Decision_IsRecordedOnce_WhenItsMessageIsGone()
    {
        await LogAsync(new TurnAccepted(turn, 1, "gone"), new TurnChunk("whole", 0), Commit("whole") with { Decision = TurnRecords.Decision });

        await Task.WhenAll(SweepAsync(first), SweepAsync(second));

        await IsFinishedOnceAsync(TurnStatus.Completed, "whole", billed: 1);
        var record = Assert.Single(await TurnRecords.DecisionsAsync(api));
        Assert.Equal((Address, "gone", 11), (new TurnAddress(record.Tenant, record.Session, record.Turn), record.Model, record.Tokens.Total));
        Assert.Equivalent(TurnRecords.Decision, new GovernanceDecision(record.Proposed, record.Judgement), strict: true);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Message_IsAnswered_WhenItIsPostedBeforeTheLostTurnIsFinished()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease());
        Model.Enqueue(held);
        using var post = await api.Client.PostAsync(session.ToString(), "next");
        await Model.NextRequestAsync(TestContext.Current.CancellationToken);
        await LogAsync(new TurnAccepted(turn, 1, "gone"), new TurnChunk("whole", 0), Commit("whole"));

        await SweepAsync(first);
        held.Release();

        // Its worker loses the place that it had in the chain to the answer of the lost turn, and another takes it over.
        Assert.Equal("complete", new Turn(await SseClient.ReadAsync(post, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken)).EndKind);
        await IsFinishedOnceAsync(TurnStatus.Completed, "whole", billed: 1);
    }

    /// <summary>The queue holds the message for done, which only a fault or an operator can have said.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(true, TurnStatus.Completed, 1)]
    [InlineData(false, TurnStatus.Failed, 0)]
    public async Task Turn_IsFinishedInItsPlace_WhenItsMessageWasAcknowledged(bool isCommitted, TurnStatus expected, int billed)
    {
        await StopWorkersAsync();
        await LogAsync(new TurnAccepted(turn, 1, "gone"), new TurnChunk("whole", 0));
        if (isCommitted)
        {
            await LogAsync(Commit("whole"));
        }

        var sequence = await Conversations.AskAsync(api, session, turn, 2);
        await Conversations.AcknowledgeAllAsync(api);
        first = await StartWorkerAsync(Nats.Url);

        await SweepAsync(first);

        await IsFinishedOnceAsync(expected, "whole", billed);
        var answer = (await Conversations.AnswersAsync(api, session.ToString()))[^1];
        Assert.Equal((2, sequence), (answer.N, answer.UserSequence));
        Assert.Equal("complete", new Turn(await api.Client.SayAsync(session.ToString(), "after")).EndKind);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task BegunTurn_EndsInterrupted_WhenItsMessageIsGoneAndNobodyRunsIt()
    {
        await LogAsync(new TurnAccepted(turn, 1, "gone"), new TurnChunk("so far", 0));

        await Task.WhenAll(SweepAsync(first), SweepAsync(second));

        await IsFinishedOnceAsync(TurnStatus.Failed, "so far", billed: 0);
        Assert.Equal(TurnErrorCodes.Interrupted, (await Conversations.AnswersAsync(api, session.ToString()))[^1].ErrorCode);
    }

    /// <summary>As after a restore of streams that were backed up one after the other: the log is from before its turn's commit, the answer from after it.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(TurnStatus.Completed)]
    [InlineData(TurnStatus.Failed)]
    public async Task AnsweredTurn_GetsItsEnd_WhenItsLogIsOfATimeBeforeItsCommit(TurnStatus status)
    {
        Model.Enqueue(status == TurnStatus.Completed ? ModelScript.Reply("whole") : new ModelScript(new ModelStep.Token("whole"), new ModelStep.CutConnection()));
        var said = new Turn(await api.Client.SayAsync(session.ToString(), "well?"));
        await api.Client.SayAsync(session.ToString(), "and a later one");
        var subject = Subjects.Tokens(new TurnAddress(Conversations.Tenant, session, said.Id));
        var stream = await api.JetStream.GetStreamAsync(Streams.Tokens.Name, cancellationToken: TestContext.Current.CancellationToken);
        var entries = await ReadAsync(subject);
        var commit = entries.FindIndex(entry => entry.Header(TurnHeaders.Event) == TurnEventCodec.Committed);
        foreach (var entry in entries[commit..])
        {
            await stream.DeleteMessageAsync(new StreamMsgDeleteRequest { Seq = entry.Sequence }, TestContext.Current.CancellationToken);
        }

        var answers = await Conversations.AnswersAsync(api, session.ToString());
        await Task.WhenAll(SweepAsync(first), SweepAsync(second));

        var after = await ReadAsync(subject);
        Assert.Equal(entries[..commit].Select(entry => entry.Sequence), after[..^1].Select(entry => entry.Sequence));
        Assert.Equal(Encoding.UTF8.GetString(entries[^1].Data.Span), Encoding.UTF8.GetString(after[^1].Data.Span));
        Assert.Equal(answers.Count, (await Conversations.AnswersAsync(api, session.ToString())).Count);
    }

    /// <summary>The worker lives, and is about to record the usage: whoever is first, it is recorded once, answered once and ended once.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task CommittedTurn_IsFinishedOnce_WhenItsWorkerIsAtItToo()
    {
        await StopWorkersAsync();
        Model.DefaultScript = new ModelScript(new ModelStep.Token("whole"), new ModelStep.Usage(5, 6));
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var living = await StartWorkerAsync(proxy.Url);
        var hold = proxy.HoldOnce(subject => subject.StartsWith("kgents.usage.", StringComparison.Ordinal));
        using var post = await api.Client.PostAsync(session.ToString(), "count");
        await hold.Reached;
        first = await StartWorkerAsync(Nats.Url);
        second = await StartWorkerAsync(Nats.Url);

        await Task.WhenAll(SweepAsync(first), SweepAsync(second));
        var seen = new Turn(await SseClient.ReadAsync(post, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
        hold.Release();
        Assert.Equal("complete", new Turn(await api.Client.SayAsync(session.ToString(), "after")).EndKind);

        var records = await TurnRecords.ReadAsync(api, session.ToString(), seen.Id);
        Assert.Single(records.Answers);
        Assert.Single(records.BillableUsage);
        Assert.Single(records.Kinds, TurnEventCodec.IsTerminal);
    }

    /// <summary>Also when it is not the last that was answered, and when the last cannot be read.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task AnsweredTurn_GetsItsEnd_AndNoUsageAgain(bool isFollowed, bool isUnreadable)
    {
        var seen = new Turn(await api.Client.SayAsync(session.ToString(), "count"));
        if (isFollowed)
        {
            await api.Client.SayAsync(session.ToString(), "on");
        }

        if (isUnreadable)
        {
            await Conversations.StoreAsync(api, Subjects.AssistantMessages(Conversations.Tenant, session), "not json"u8.ToArray());
        }

        var end = await LastAsync(Subjects.Tokens(Address with { Turn = seen.Id }));
        await api.JetStream.DeleteMessageAsync(Streams.Tokens.Name, new StreamMsgDeleteRequest { Seq = end!.Sequence }, TestContext.Current.CancellationToken);
        var usage = (await TurnRecords.ReadAsync(api, session.ToString(), seen.Id)).Usage.Count;

        await SweepAsync(first);

        var records = await TurnRecords.ReadAsync(api, session.ToString(), seen.Id);
        Assert.Equal(("complete", usage), (records.Kinds[^1], records.Usage.Count));
        Assert.Single(records.Answers);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Log_IsBilledAndPurged_WhenItsSessionIsDeletedAndNobodyKnowsOfIt()
    {
        await Conversations.StoreAsync(api, Subjects.SessionRecord(Conversations.Tenant, session), [], new NatsHeaders { ["KV-Operation"] = "DEL" });
        await LogAsync(new TurnAccepted(turn, 1, "gone"), Commit(""));

        await SweepAsync(first);

        await Eventually.TrueAsync(async () => await LastAsync(Subjects.SessionTokens(Conversations.Tenant, session)) is null);
        var usage = await api.Reader.ReadAsync(Streams.Usage.Name, Subjects.AllUsage, 1, 0, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Single(usage, entry => Encoding.UTF8.GetString(entry.Data.Span).Contains("\"u-1\"", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsFinishedByItself_AfterTheInterval()
    {
        await using var eager = await KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Sweep:Age", "00:00:00"), ("Sweep:Interval", "00:00:00.200"));

        await LogAsync(new TurnAccepted(turn, 1, "gone"), new TurnChunk("whole", 0), Commit("whole"));

        await Eventually.TrueAsync(async () => TurnEventCodec.IsTerminal((await LastAsync(Subjects.Tokens(Address)))!.Header(TurnHeaders.Event)!));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_EndsUnreadable_WhenItsLogCannotBeReadAndItsMessageIsGone()
    {
        await LogAsync(new TurnAccepted(turn, 1, "gone"));
        await Conversations.StoreAsync(api, Subjects.Tokens(Address), "not json"u8.ToArray(), new NatsHeaders { [TurnHeaders.Event] = TurnEventCodec.Committed });

        await SweepAsync(first);

        await IsFinishedOnceAsync(TurnStatus.Failed, "", billed: 0);
    }

    /// <summary>More turns than a page, of which every hundredth is unfinished.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EveryTurn_IsFound_WhenThereAreManyPages()
    {
        for (var number = 0; number < 1_200; number++)
        {
            var each = TurnId.New(TimeProvider.System);
            await Conversations.LogAsync(api, session, each, number % 100 == 0 ? Commit("") with { UsageEvents = [] } : new TurnFailed(TurnErrorCodes.Expired, "over"));
        }

        await SweepAsync(first);

        var ends = await first.Services.GetRequiredService<TurnLogEnds>().ReadAsync(TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal((1_201, 1_201), (ends.Count, ends.Count(end => TurnEventCodec.IsTerminal(end.Kind))));
        Assert.Equal(1 + 12, (await Conversations.AnswersAsync(api, session.ToString())).Count);
        Assert.Empty(await api.JetStream.ListConsumerNamesAsync(Streams.Tokens.Name, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
    }
}
