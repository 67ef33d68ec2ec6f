using System.Net;
using System.Security.Cryptography;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>What if the API dies while it cancels? Before the mark is stored nothing has happened, and from then on the cancel cannot be lost. And what a cancel can no longer change.</summary>
public sealed class CancelDeathTests : TurnTest
{
    private const string Marks = "$KV.kgents_cancels.";
    private const string Control = "kgents.control.";

    private readonly ModelScript held = new(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
    private NatsProxy proxy = null!;
    private KgentsHost api = null!;
    private KgentsHost doomed = null!;
    private string session = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Model.DefaultScript = held;
        proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        doomed = await KgentsHost.StartAsync(proxy.Url, Parts.Api);
        session = await api.Client.CreateSessionAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await doomed.DisposeAsync();
        await api.DisposeAsync();
        await proxy.DisposeAsync();
        await base.DisposeAsync();
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(Marks, CutPoint.BeforeForward, TurnStatus.Completed, "one two")]
    [InlineData(Marks, CutPoint.BeforeReply, TurnStatus.Cancelled, "one two")]
    [InlineData(Control, CutPoint.BeforeForward, TurnStatus.Cancelled, "one two")]
    [InlineData(Control, CutPoint.BeforeReply, TurnStatus.Cancelled, "one")]
    public async Task Cancel_HappensOrDoesNot_WhenTheApiDiesAtAStepOfIt(string step, CutPoint point, TurnStatus status, string text)
    {
        await using var worker = await StartWorkerAsync();
        using var response = await api.Client.PostAsync(session, "count");
        await api.ChunkLoggedAsync();
        var turn = (await api.AskedAsync(session))[0];
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        proxy.CutAt(1, point, subject => subject.StartsWith(step, StringComparison.Ordinal));

        var cancelling = doomed.Client.PostAsync(CancelPath(turn), null, leaving.Token);
        await proxy.CutHappened;
        held.Release();

        Assert.Equal((status, text), (await Conversations.AnswerAsync(api, SessionId.Parse(session), 1)) is var answer ? (answer.Status, answer.Text) : default);
        await leaving.CancelAsync();
        await Task.WhenAny(cancelling);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Mark_IsStored_BeforeAnybodyIsTold()
    {
        await using var worker = await StartWorkerAsync();
        using var response = await api.Client.PostAsync(session, "count");
        await api.ChunkLoggedAsync();
        var turn = (await api.AskedAsync(session))[0];
        var hold = proxy.HoldOnce(subject => subject.StartsWith(Control, StringComparison.Ordinal));

        var cancelling = doomed.Client.PostAsync(CancelPath(turn), null, TestContext.Current.CancellationToken);
        await hold.Reached;
        var marks = (await Remains.OfAsync(api, SessionId.Parse(session))).Marks;
        hold.Release();

        Assert.Equal(1, marks);
        Assert.Equal(HttpStatusCode.Accepted, (await cancelling).StatusCode);
        Assert.Equal("cancelled", (await response.TurnAsync()).EndKind);
    }

    /// <summary>Its worker died between its commit and its end: what is decided is told, although nobody has told it yet.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task CommittedTurn_Answers409_AndEndsAsItWasCommitted()
    {
        var (id, turn) = (SessionId.Parse(session), TurnId.New(TimeProvider.System));
        await Conversations.LogAsync(api, id, turn, new TurnAccepted(turn, 1, "gone"));
        await Conversations.LogAsync(api, id, turn, new TurnCommitted(
            TurnStatus.Completed, null, "a-1", Convert.ToHexStringLower(SHA256.HashData([])), 0, 1, "gone", new TokenCounts(5, 6, TokenCounts.Reported), TimeProvider.System.GetUtcNow(), []));
        await Conversations.AskAsync(api, id, turn, 1);

        using var refused = await api.Client.PostAsync(CancelPath(turn), null, TestContext.Current.CancellationToken);
        await using var worker = await StartWorkerAsync();

        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Equal("urn:kgents:problem:turn-finished", (await refused.JsonAsync()).GetProperty("type").GetString());
        Assert.Equal(TurnStatus.Completed, (await Conversations.AnswerAsync(api, id, 1)).Status);
        Assert.Equal(0, (await Remains.OfAsync(api, id)).Marks);
    }

    private Uri CancelPath(TurnId turn) => new($"/v1/kgent/sessions/{session}/turns/{turn}/cancel", UriKind.Relative);

    private Task<KgentsHost> StartWorkerAsync() => KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString));
}
