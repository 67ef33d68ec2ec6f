using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Sweeping;

/// <summary>The sweeper leaves alone what somebody is at, or will be.</summary>
public sealed class SweepAbstentionTests : SweepTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task BegunTurn_IsLeftToItsWorker_WhenItsMessageIsGoneAndItRuns()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.DefaultScript = held;
        using var post = await api.Client.PostAsync(session.ToString(), "count");
        await api.ChunkLoggedAsync();
        var message = await api.Reader.LastAsync(Streams.Messages.Name, Subjects.UserMessages(Conversations.Tenant, session), TestContext.Current.CancellationToken);
        await api.JetStream.DeleteMessageAsync(Streams.Messages.Name, new StreamMsgDeleteRequest { Seq = message!.Sequence }, TestContext.Current.CancellationToken);

        await SweepAsync(first);
        await SweepAsync(second);
        held.Release();
        var seen = new Turn(await SseClient.ReadAsync(post, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(("complete", "one two"), (seen.EndKind, seen.Text));
    }

    /// <summary>Nobody has a slot for it yet, so nobody answers for it either.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task BegunTurn_IsLeftToTheQueue_WhenItWillBringIt()
    {
        await StopWorkersAsync();
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease());
        Model.Enqueue(held);
        await using var sweeper = await KgentsHost.StartAsync(
            Nats.Url, Parts.Streaming, ("Sweep:Age", "00:00:00"), ("Turns:Slots", "1"), ("ConnectionStrings:llm", Model.ConnectionString));
        using var busy = await api.Client.PostAsync(await api.Client.CreateSessionAsync(), "count");
        await api.ChunkLoggedAsync();
        await LogAsync(new TurnAccepted(turn, 1, "gone"), new TurnChunk("so far", 0));
        await Conversations.AskAsync(api, session, turn, 2);

        await SweepAsync(sweeper);

        Assert.Equal(TurnEventCodec.Chunk, (await LastAsync(Subjects.Tokens(Address)))!.Header(TurnHeaders.Event));
        held.Release();
        Assert.Equal(TurnStatus.Completed, (await Conversations.AnswerAsync(api, session, 2)).Status);
    }

    /// <summary>It began out of its turn, which only a restored backup or a lost message before it can do; those before it go first.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task WaitingTurn_IsLeftAlone_HoweverFarItsLogIs()
    {
        await StopWorkersAsync();
        await Conversations.AskAsync(api, session, TurnId.New(TimeProvider.System), 2);
        await Conversations.AskAsync(api, session, turn, 3);
        await LogAsync(new TurnAccepted(turn, 1, "gone"), new TurnChunk("whole", 0), Commit("whole"));
        await Conversations.AcknowledgeAllAsync(api);
        first = await StartWorkerAsync(Nats.Url);

        await SweepAsync(first);

        Assert.Equal(TurnEventCodec.Committed, (await LastAsync(Subjects.Tokens(Address)))!.Header(TurnHeaders.Event));
        Assert.Equal([1], (await Conversations.AnswersAsync(api, session.ToString())).Select(answer => answer.N));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsNotLookedAt_BeforeItWasSilentForTheAge()
    {
        await using var patient = await KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Sweep:Age", "00:10:00"));
        await LogAsync(new TurnAccepted(turn, 1, "gone"), Commit(""));

        await SweepAsync(patient);

        Assert.Equal(TurnEventCodec.Committed, (await LastAsync(Subjects.Tokens(Address)))!.Header(TurnHeaders.Event));
    }
}
