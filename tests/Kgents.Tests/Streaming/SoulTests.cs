using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Flux;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming;

/// <summary>The soul in a worker's turn, as the model server and the client see it.</summary>
public sealed class SoulTests : TurnTest
{
    private KgentsHost host = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        host = await KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:HistoryTokens", "120"));
    }

    public override async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Model_SeesWhatWasSaid_InTheThirdTurn()
    {
        Model.Enqueue(ModelScript.Reply("A", " good", " name."));
        Model.Enqueue(ModelScript.Reply("Rex", " eats", " what?"));
        var session = await host.Client.CreateSessionAsync();

        foreach (var message in new[] { "My dog is called Rex.", "He eats too much.", "What is my dog called?" })
        {
            Assert.Equal("complete", new Turn(await host.Client.SayAsync(session, message)).EndKind);
        }

        var third = Model.Requests[2];
        Assert.Equal(
            ["user: My dog is called Rex.", "assistant: A good name.", "user: He eats too much.", "assistant: Rex eats what?", "user: What is my dog called?"],
            third.Messages.Skip(1).Select(message => $"{message.Role}: {message.Content}"));
        Assert.Equal("system", third.Messages[0].Role);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task OldestTurns_AreLeftOut_AndTheSystemPromptNever()
    {
        var session = await host.Client.CreateSessionAsync();
        for (var turn = 0; turn < 6; turn++)
        {
            await host.Client.SayAsync(session, $"This is turn number {turn}, with some words after it.");
        }

        var last = Model.Requests[5];
        var past = last.Messages.Skip(1).SkipLast(1).ToList();
        Assert.InRange(past.Sum(message => TokenEstimate.Of(message.Content) + TokenEstimate.PerMessage), 1, 120);
        Assert.Contains("turn number 4", past[^2].Content, StringComparison.Ordinal);
        Assert.DoesNotContain(past, message => message.Content.Contains("turn number 0", StringComparison.Ordinal));
        Assert.Equal(("user", "assistant"), (past[0].Role, past[^1].Role));
        Assert.Equal(Model.Requests[0].Messages[0], last.Messages[0]);
        Assert.Contains("You are K-gent", last.Messages[0].Content, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task ModeAndBudget_AreTheSessions_UnlessTheMessageHasItsOwn()
    {
        using var created = await host.Client.PostAsJsonAsync("/v1/kgent/sessions", new { mode = "Explore", budget = "DEEP", eigenvectors = new { joy = 0.1 } }, TestContext.Current.CancellationToken);
        var session = await created.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal(
            ("explore", "deep", 0.1, 0.15),
            (session.GetProperty("mode").GetString(), session.GetProperty("budget").GetString(), session.GetProperty("eigenvectors").GetProperty("joy").GetDouble(), session.GetProperty("eigenvectors").GetProperty("aesthetic").GetDouble()));
        var id = session.GetProperty("id").GetString()!;

        await SayAsync(id, new { message = "one" });
        await SayAsync(id, new { message = "two", mode = "advise", budget = "whisper" });
        await SayAsync(id, new { message = "three" });

        Assert.Equal([(0.8, 8000), (0.5, 100), (0.8, 8000)], Model.Requests.Select(request => (Math.Round(request.Temperature!.Value, 3), request.MaxTokens!.Value)));
        Assert.All(Model.Requests, request => Assert.Contains("- joy: 0.10 (0 austere, 1 playful; strongly austere; confidence 1.00)", request.Messages[0].Content, StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Template_AnswersWithoutTheModel_AndNothingIsBilled()
    {
        var session = await host.Client.CreateSessionAsync();

        var whisper = await SayAsync(session, new { message = "Hello!", budget = "whisper" });
        var dormant = await SayAsync(session, new { message = "What do I do when I am done exploring?", budget = "dormant" });

        Assert.Empty(Model.Requests);
        Assert.Equal(("kgent-persona", "Hello. What is on your mind today?"), (whisper.End.GetProperty("model").GetString(), whisper.End.GetProperty("text").GetString()));
        Assert.Equal("kgent-persona", whisper.Frames.First(frame => frame.Event == "accepted").Json.GetProperty("model").GetString());
        Assert.EndsWith(Templates.NoModel, dormant.Text, StringComparison.Ordinal);
        foreach (var turn in new[] { whisper, dormant })
        {
            Assert.Equal((0, "none"), (turn.End.GetProperty("tokens").GetProperty("total").GetInt64(), turn.End.GetProperty("tokens").GetProperty("basis").GetString()));
            Assert.Empty((await TurnRecords.ReadAsync(host, session, turn.Id)).BillableUsage);
        }
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("""{"budget":"lavish"}""", "dormant, whisper, dialogue, deep", 422)]
    [InlineData("""{"eigenvectors":{"joy":1.5}}""", "from 0 to 1", 422)]
    [InlineData("""{"eigenvectors":{"humour":0.5}}""", "aesthetic, categorical, gratitude, heterarchy, generativity, joy", 422)]
    public async Task Session_IsRefusedWithTheChoices_AndNothingIsStored(string body, string choices, int status)
    {
        using var response = await host.Client.PostAsync("/v1/kgent/sessions", new StringContent(body, null, "application/json"), TestContext.Current.CancellationToken);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(choices, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Empty((await host.Client.GetFromJsonAsync<JsonElement>("/v1/kgent/sessions", TestContext.Current.CancellationToken)).GetProperty("sessions").EnumerateArray());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Message_WithAnUnknownBudget_IsRefusedWithTheChoices_AndNotStored()
    {
        var session = await host.Client.CreateSessionAsync();

        using var response = await host.Client.PostAsJsonAsync($"/v1/kgent/sessions/{session}/messages", new { message = "hm", budget = "lavish" }, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Contains("dormant, whisper, dialogue, deep", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Empty(await host.Client.MessagesAsync(session));
    }

    private async Task<Turn> SayAsync(string session, object body)
    {
        using var response = await host.Client.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages") { Content = JsonContent.Create(body) }, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
    }
}
