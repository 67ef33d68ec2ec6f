using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming;

/// <summary>Conversations of many tenants at once, on one worker: none has a word, a mode or a token of another.</summary>
public sealed class IsolationTests : IAsyncLifetime
{
    private const int Tenants = 100;
    private const int Turns = 2;

    private NatsServer nats = null!;
    private ScriptedModelServer model = null!;
    private KgentsHost host = null!;

    public static TheoryData<string> Providers => [.. Models.ModelCalls.Providers];

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await model.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Conversations_DoNotCross(string provider)
    {
        // Each answer is made of what was asked, and costs what the question says.
        model.ScriptFor = request =>
        {
            var (number, turn) = Parse(request.Messages[^1].Content);
            return new ModelScript(
                [.. Answer(number, turn).Chunk(5).Select(letters => new ModelStep.Token(new string(letters))), new ModelStep.Usage(1000 + number, 10 + turn)]);
        };
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionStringOf(provider)));

        await Task.WhenAll(Enumerable.Range(0, Tenants).Select(ConverseAsync));

        // The model was asked in each mode by its own instructions, and was told no history but the session's own.
        var requests = model.Requests.Select(request => (request.Messages, Asked: Parse(request.Messages[^1].Content))).ToList();
        Assert.Equal(Tenants * Turns, requests.Count);
        Assert.All(requests.GroupBy(request => ModeOf(request.Asked.Number)), mode => Assert.Single(mode.Select(request => request.Messages[0].Content).Distinct()));
        Assert.Equal(DialogueModes.All.Count, requests.Select(request => request.Messages[0].Content).Distinct().Count());
        Assert.All(requests, request => Assert.Equal(Past(request.Asked.Number, request.Asked.Turn), request.Messages.Skip(1).Select(message => message.Content)));
    }

    private async Task ConverseAsync(int number)
    {
        var tenant = TenantId.Parse($"tenant-{number}");
        using var client = await host.NewClientAsync(tenant.ToString());
        var session = await client.CreateSessionAsync(ModeOf(number));
        for (var n = 1; n <= Turns; n++)
        {
            var turn = new Turn(await client.SayAsync(session, Question(number, n)));

            Assert.Equal(Answer(number, n), turn.Text);
            Assert.Equal(Answer(number, n), turn.End.GetProperty("text").GetString());
            Assert.Equal((1000 + number, 10 + n), (turn.End.GetProperty("tokens").GetProperty("input").GetInt32(), turn.End.GetProperty("tokens").GetProperty("output").GetInt32()));
            var usage = await host.Reader.ReadAsync(Streams.Usage.Name, Subjects.Usage(tenant, SessionId.Parse(session)), 1, 0, TestContext.Current.CancellationToken)
                .Select(entry => JsonSerializer.Deserialize<JsonElement>(entry.Data.Span)).ToListAsync(TestContext.Current.CancellationToken);
            Assert.Equal((n, n), (usage.Count(each => each.GetProperty("type").GetString() == UsageEvent.BillableType), usage.Count(each => each.GetProperty("type").GetString() == UsageEvent.TurnType)));
            Assert.All(usage, each => Assert.Equal((tenant.ToString(), session), (each.GetProperty("subject").GetString(), each.GetProperty("data").GetProperty("session_id").GetString())));
        }

        Assert.Equal(Past(number, Turns).Append(Answer(number, Turns)), (await client.MessagesAsync(session)).Select(message => message.GetProperty("content").GetString()));
        var listed = await client.GetFromJsonAsync<JsonElement>("/v1/kgent/sessions", TestContext.Current.CancellationToken);
        Assert.Equal(session, Assert.Single(listed.GetProperty("sessions").EnumerateArray()).GetProperty("id").GetString());
    }

    private static string ModeOf(int number) => DialogueModes.All[number % DialogueModes.All.Count];

    private static string Question(int number, int turn) => $"question {number} of turn {turn}";

    private static string Answer(int number, int turn) => string.Join("; ", Enumerable.Repeat($"answer {number} to {turn}", 5));

    private static IEnumerable<string> Past(int number, int turn) =>
        Enumerable.Range(1, turn - 1).SelectMany(n => new[] { Question(number, n), Answer(number, n) }).Append(Question(number, turn));

    private static (int Number, int Turn) Parse(string question) =>
        question.Split(' ') is ["question", var number, "of", "turn", var turn]
            ? (int.Parse(number, CultureInfo.InvariantCulture), int.Parse(turn, CultureInfo.InvariantCulture))
            : throw new InvalidOperationException($"Nobody asked '{question}'.");
}
