using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Api;
using Kgents.Tests.Hosting;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Streaming;

/// <summary>An answer that nobody can read has ended one turn, and no more: its session goes on with the next number.</summary>
public sealed class UnreadableAnswerTests : ApiTurnTest
{
    private SessionId session;

    public static TheoryData<string> Unreadable =>
    [
        "not json",
        "[1]",
        "null",
        "{}",
        """{"turn":"t-1","n":2,"user_sequence":3}""",
        """{"n":9,"user_sequence":9,"status":"completed","text":"no turn","model":"m","tokens":{"input":9,"output":9,"basis":"reported"},"created_at":"2026-01-01T00:00:00Z","totals":{"messages":9,"input_tokens":9,"output_tokens":9}}""",
    ];

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Model.DefaultScript = new ModelScript(new ModelStep.Token("hm"), new ModelStep.Usage(5, 6));
        session = SessionId.Parse(await api.Client.CreateSessionAsync());
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Unreadable))]
    public async Task Session_GoesOnWithTheNextNumber_WhenItsLastAnswersCannotBeRead(string payload)
    {
        await using var worker = await StartWorkerAsync();
        await SayAsync("one");
        var second = await SayAsync("two");
        await SpoilLastAnswerAsync(payload);
        var third = await SayAsync("three");
        await SpoilLastAnswerAsync(payload);

        var state = await api.Client.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{session}/turns/{second.Id}", TestContext.Current.CancellationToken);
        Assert.Equal(("failed", "unreadable_answer"), (state.GetProperty("state").GetString(), state.GetProperty("error_code").GetString()));
        Assert.Equal("complete", third.EndKind);
        var last = await SayAsync("four");

        Assert.Equal("complete", last.EndKind);
        Assert.Equal([1, 4], (await Conversations.AnswersAsync(api, session.ToString())).Select(answer => answer.N));
        Assert.Equal(new SessionTotals(2 + 1 + 1 + 2, 10, 12), (await Conversations.AnswersAsync(api, session.ToString()))[^1].Totals);

        // What was not understood is nothing that the model could go on from.
        Assert.Equal(["one", "hm", "four"], Model.Requests[^1].Messages.Skip(1).Select(message => message.Content));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WaitingTurn_EndsWithAnError_WhenAnAnswerThatCannotBeReadHasItsPlace()
    {
        using var post = await api.Client.PostAsync(session.ToString(), "one");
        await Conversations.StoreAsync(api, Subjects.AssistantMessages(Conversations.Tenant, session), "not json"u8.ToArray());

        await using var worker = await StartWorkerAsync();
        var turn = await post.TurnAsync();

        Assert.Equal(("error", "unreadable_answer"), (turn.EndKind, Assert.Single(turn.Frames).Json.GetProperty("code").GetString()));
        Assert.Empty(Model.Requests);
        Assert.Equal("complete", (await SayAsync("two")).EndKind);
        Assert.Equal([2], (await Conversations.AnswersAsync(api, session.ToString())).Select(answer => answer.N));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AnswerThatCannotBeRead_TakesNoNumber_WhenNoTurnWaitedForIt()
    {
        await using var worker = await StartWorkerAsync();
        await Conversations.StoreAsync(api, Subjects.AssistantMessages(Conversations.Tenant, session), "not json"u8.ToArray());
        await SayAsync("one");
        await Conversations.StoreAsync(api, Subjects.AssistantMessages(Conversations.Tenant, session), "not json"u8.ToArray());

        Assert.Equal("complete", (await SayAsync("two")).EndKind);

        Assert.Equal([1, 2], (await Conversations.AnswersAsync(api, session.ToString())).Select(answer => answer.N));
    }

    private Task<KgentsHost> StartWorkerAsync() => KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString));

    private async Task<Turn> SayAsync(string message) => new(await api.Client.SayAsync(session.ToString(), message));

    /// <summary>As if the answer had been stored like this.</summary>
    private async Task SpoilLastAnswerAsync(string payload)
    {
        var subject = Subjects.AssistantMessages(Conversations.Tenant, session);
        var last = await api.Reader.LastAsync(Streams.Messages.Name, subject, TestContext.Current.CancellationToken);
        await api.JetStream.DeleteMessageAsync(Streams.Messages.Name, new StreamMsgDeleteRequest { Seq = last!.Sequence }, TestContext.Current.CancellationToken);
        await Conversations.StoreAsync(api, subject, Encoding.UTF8.GetBytes(payload));
    }
}
