using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Api;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;
using NATS.Client.Core;

namespace Kgents.Tests.Streaming;

/// <summary>An entry of a turn's log that nobody can read ends its turn, once; it blocks neither the session nor the API, and it is kept.</summary>
public sealed class UnreadableLogTests : ApiTurnTest
{
    private SessionId session;
    private readonly TurnId turn = TurnId.New(TimeProvider.System);

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        session = SessionId.Parse(await api.Client.CreateSessionAsync());
    }

    public static TheoryData<string, string> Unreadable
    {
        get
        {
            var entries = new TheoryData<string, string>();
            foreach (var kind in new[] { "accepted", "chunk", "restarted", "handed_over", "commit", "complete", "error", "cancelled" })
            {
                entries.Add(kind, "not json");
                entries.Add(kind, "[1]");
                entries.Add(kind, "{}\n\nevent: complete\ndata: {}");
            }

            entries.Add("commit", """{"status":"completed","message_id":"a-1","text_hash":"ff","chunks":1,"attempt":1,"model":"m"}""");
            entries.Add("commit", """{"status":7,"message_id":"a-1","text_hash":"ff","chunks":1,"attempt":1,"model":"m","tokens":{"input":0,"output":0,"basis":"none"},"usage_events":[]}""");
            entries.Add("chunk", """{"index":0}""");
            return entries;
        }
    }

    [Theory(Timeout = Limits.Test)]
    [Measures("kgents.turn.dead_letters")]
    [MemberData(nameof(Unreadable))]
    public async Task Turn_EndsOnceAndItsSessionGoesOn_WhenAnEntryOfItsLogCannotBeRead(string kind, string payload)
    {
        await Conversations.LogAsync(api, session, turn, new TurnAccepted(turn, 1, "gone"));
        await Conversations.LogAsync(api, session, turn, new TurnChunk("so far", 0));
        var sequence = await PoisonAsync(kind, payload);
        await Conversations.AskAsync(api, session, turn, 1);

        // While it is as it is, the API answers.
        Assert.Equal("running", (await (await api.Client.GetAsync(Path(""), TestContext.Current.CancellationToken)).JsonAsync()).GetProperty("state").GetString());
        using var following = await api.Client.GetAsync(Path("/events?after=0"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

        await using var worker = await StartWorkerAsync();
        var answer = await Conversations.AnswerAsync(api, session, 1);
        var seen = await SseClient.ReadAsync(following, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal((TurnStatus.Failed, TurnErrorCodes.UnreadableLog, "so far"), (answer.Status, answer.ErrorCode, answer.Text));
        Assert.Equal(("error", "unreadable_log"), (seen[^1].Event, seen[^1].Json.GetProperty("code").GetString()));
        Assert.Single(seen, frame => TurnEventCodec.IsTerminal(frame.Event));
        Assert.All(seen, frame => Assert.Equal(JsonValueKind.Object, frame.Json.ValueKind));
        var kinds = await api.Reader.ReadAsync(Streams.Tokens.Name, Subjects.Tokens(Address), 1, 0, TestContext.Current.CancellationToken)
            .Select(entry => entry.Header(TurnHeaders.Event)!).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Single(kinds, TurnEventCodec.IsTerminal);

        var letter = await api.Reader.LastAsync(Streams.DeadLetters.Name, Subjects.DeadLetters("tokens", Conversations.Tenant), TestContext.Current.CancellationToken);
        var kept = JsonSerializer.Deserialize(letter!.Data.Span, WireJson.Default.DeadLetter)!;
        Assert.Equal((Streams.Tokens.Name, sequence, payload), (kept.Stream, kept.Sequence, Encoding.UTF8.GetString(kept.Payload.Span)));

        Assert.Empty(Model.Requests);
        Assert.Equal(HttpStatusCode.Conflict, (await api.Client.PostAsync(Path("/cancel"), null, TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal("complete", new Turn(await api.Client.SayAsync(session.ToString(), "after")).EndKind);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Answer_IsAProblem_WhenTheEndCannotBeReadAndNobodyStreams()
    {
        using var response = await AskWithoutStreamAsync(async () =>
        {
            await Conversations.LogAsync(api, session, await AskedAsync(), new TurnAccepted(turn, 1, "m"));
            await PoisonAsync("complete", "not json", await AskedAsync());
        });

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("urn:kgents:problem:unreadable-log", (await response.JsonAsync()).GetProperty("type").GetString());
    }

    /// <summary>The commit decides what is billed, and a piece of the text that is lost afterwards does not change it.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Turn_FailsAndItsUsageIsRecorded_WhenAPieceOfACommittedAnswerCannotBeRead()
    {
        await Conversations.LogAsync(api, session, turn, new TurnAccepted(turn, 1, "gone"));
        await Conversations.LogAsync(api, session, turn, new TurnChunk("one", 0));
        await PoisonAsync("chunk", "not json");
        await Conversations.LogAsync(api, session, turn, Committed("one two", new UsagePayload("u-1", "{}")));
        await Conversations.AskAsync(api, session, turn, 1);

        await using var worker = await StartWorkerAsync();
        var answer = await Conversations.AnswerAsync(api, session, 1);
        await api.LastLoggedAsync(TurnEventCodec.Failed, Subjects.Tokens(Address));

        Assert.Equal((TurnErrorCodes.UnreadableLog, "one", 11L), (answer.ErrorCode, answer.Text, answer.Tokens.Total));
        Assert.Equal(1UL, (await api.Reader.RangeAsync(Streams.Usage.Name, TestContext.Current.CancellationToken)).Last);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsFinishedAsCommitted_WhenOnlyWhatDoesNotMatterCannotBeRead()
    {
        await PoisonAsync("accepted", "not json");
        await Conversations.LogAsync(api, session, turn, new TurnChunk("whole", 0));
        await Conversations.LogAsync(api, session, turn, Committed("whole"));
        await Conversations.AskAsync(api, session, turn, 1);

        await using var worker = await StartWorkerAsync();
        var answer = await Conversations.AnswerAsync(api, session, 1);

        Assert.Equal((TurnStatus.Completed, "whole"), (answer.Status, answer.Text));
    }

    /// <summary>Its letter would be larger than a message may be.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Message_IsADeadLetterInPartAndItsSessionGoesOn_WhenItIsAsLargeAsAMessageMayBe()
    {
        await Conversations.StoreAsync(api, Subjects.UserMessages(Conversations.Tenant, session), [.. Enumerable.Repeat((byte)'x', 1_000_000)]);

        await using var worker = await StartWorkerAsync();
        await Conversations.AnswerAsync(api, session, 1);

        var letter = await api.Reader.LastAsync(Streams.DeadLetters.Name, Subjects.DeadLetters("messages", Conversations.Tenant), TestContext.Current.CancellationToken);
        Assert.Contains("of its 1000000 bytes", JsonSerializer.Deserialize(letter!.Data.Span, WireJson.Default.DeadLetter)!.Reason, StringComparison.Ordinal);
        Assert.Equal("complete", new Turn(await api.Client.SayAsync(session.ToString(), "after")).EndKind);
    }

    private TurnAddress Address => new(Conversations.Tenant, session, turn);

    private Uri Path(string rest) => new($"/v1/kgent/sessions/{session}/turns/{turn}{rest}", UriKind.Relative);

    private static TurnCommitted Committed(string text, params UsagePayload[] usage) => new(
        TurnStatus.Completed, null, "a-1", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))), 1, 1, "gone", new TokenCounts(5, 6, TokenCounts.Reported), TimeProvider.System.GetUtcNow(), usage);

    private Task<ulong> PoisonAsync(string kind, string payload, TurnId? of = null) => Conversations.StoreAsync(
        api, Subjects.Tokens(Address with { Turn = of ?? turn }), Encoding.UTF8.GetBytes(payload), new NatsHeaders { [TurnHeaders.Event] = kind, [TurnHeaders.Writer] = "another:1" });

    private async Task<TurnId> AskedAsync() => (await api.AskedAsync(session.ToString()))[0];

    private async Task<HttpResponseMessage> AskWithoutStreamAsync(Func<Task> meanwhile)
    {
        var post = api.Client.PostAsync(session.ToString(), "hello", stream: false);
        await Eventually.TrueAsync(async () => (await api.AskedAsync(session.ToString())).Count == 1);
        await meanwhile();
        return await post;
    }

    private Task<KgentsHost> StartWorkerAsync() => KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString));
}
