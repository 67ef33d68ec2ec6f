using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Edge;

/// <summary>What is said, and what opens doors, is in no log and no trace; and no exception's text reaches a client.</summary>
public sealed class LeakTests : IAsyncLifetime
{
    private readonly string question = $"question-{Guid.NewGuid():n}";
    private readonly string answer = $"answer-{Guid.NewGuid():n}";
    private readonly string wrongKey = KgentsHost.NewKey();
    private NatsServer nats = null!;
    private ScriptedModelServer model = null!;
    private KgentsHost host = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        model.DefaultScript = ModelScript.Reply(answer);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString), ("Logging:LogLevel:Kgents", "Trace"));
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await model.DisposeAsync();
        await nats.DisposeAsync();
    }

    /// <summary>All sources are listened to, which is more than is ever exported.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task LogsAndTraces_HaveNoSecretAndNoText()
    {
        var spans = new ConcurrentQueue<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => spans.Enqueue(Describe(activity)),
        };
        ActivitySource.AddActivityListener(listener);
        var key = (await host.NewKeyAsync("acme")).GetProperty("key").GetString()!;
        using var client = host.ClientWith(key);
        using var stranger = host.ClientWith(wrongKey);
        var session = await client.CreateSessionAsync();

        var turn = new Turn(await client.SayAsync(session, question));
        using var issued = await client.PostAsync(new Uri($"/v1/kgent/sessions/{session}/turns/{turn.Id}/ticket", UriKind.Relative), null, TestContext.Current.CancellationToken);
        var ticket = (await issued.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("ticket").GetString()!;
        using var none = host.ClientWith(null);
        using var followed = await none.GetAsync(new Uri($"/v1/kgent/sessions/{session}/turns/{turn.Id}/events?ticket={ticket}", UriKind.Relative), TestContext.Current.CancellationToken);
        using var refused = await stranger.GetAsync(new Uri($"/v1/kgent/sessions?key={question}", UriKind.Relative), TestContext.Current.CancellationToken);
        using var unread = await client.PostAsync(new Uri("/v1/kgent/sessions", UriKind.Relative), new StringContent($"{{\"{question}", Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        model.Enqueue(new ModelScript(new ModelStep.Status(401, $"{{\"error\":{{\"message\":\"You asked: {question}\"}}}}")));
        var failed = new Turn(await client.SayAsync(session, question));

        Assert.Equal(answer, turn.Text);
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.BadRequest], [followed.StatusCode, refused.StatusCode, unread.StatusCode]);
        Assert.Equal("error", failed.EndKind);
        Assert.Contains(spans, span => span.Contains(session, StringComparison.Ordinal));
        Assert.Contains(host.Logs.Lines, line => line.Contains(failed.Id.ToString(), StringComparison.Ordinal));
        foreach (var secret in new[] { key[9..], wrongKey[9..], ticket, ticket[^43..], question, answer })
        {
            Assert.DoesNotContain(spans, span => span.Contains(secret, StringComparison.Ordinal));
            Assert.DoesNotContain(host.Logs.Lines, line => line.Contains(secret, StringComparison.Ordinal));
        }
    }

    /// <summary>A record that nobody can read: the fault is ours, and only the log has it.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Fault_TellsAClientNothingOfItself()
    {
        var session = SessionId.Parse(await host.Client.CreateSessionAsync());
        await Conversations.StoreAsync(host, Subjects.SessionRecord(Conversations.Tenant, session), """{"id":"inside-of-a-record"}"""u8.ToArray());

        using var response = await host.Client.GetAsync(new Uri($"/v1/kgent/sessions/{session}", UriKind.Relative), TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.InternalServerError, "application/problem+json"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Contains(host.Logs.Lines, line => line.Contains("Exception", StringComparison.Ordinal) && line.Contains("FaultHandler", StringComparison.Ordinal));
        Assert.Equal(["type", "title", "status", "detail", "trace_id"], JsonElement.Parse(body).EnumerateObject().Select(member => member.Name));
        Assert.All(["Exception", "Kgents", "inside-of-a-record", " at ", "Json"], text => Assert.DoesNotContain(text, body, StringComparison.Ordinal));
    }

    private static string Describe(Activity activity) => string.Join('\n',
    [
        activity.DisplayName, activity.StatusDescription ?? "",
        .. activity.TagObjects.Select(tag => $"{tag.Key}={tag.Value}"),
        .. activity.Baggage.Select(item => $"{item.Key}={item.Value}"),
        .. activity.Events.SelectMany(each => each.Tags.Select(tag => $"{each.Name} {tag.Key}={tag.Value}")),
    ]);
}
