using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.Options;

namespace Kgents.Tests.Api;

/// <summary>A session or a message may ask for a model, of those that are allowed; for another nothing is stored.</summary>
public sealed class ModelChoiceTests : TurnTest
{
    private static readonly (string Key, string? Value) Allowed = ("Model:Allowed", "small-1, large-1");

    private KgentsHost host = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        host = await KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), Allowed);
    }

    public override async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Message_IsAnsweredByItsModel_ElseTheSessions_ElseTheUsualOne()
    {
        var plain = await CreateAsync(null);
        var large = await CreateAsync("large-1");

        var models = new[] { await SayAsync(plain, null), await SayAsync(large, null), await SayAsync(large, "small-1"), await SayAsync(large, "large-1") };

        Assert.Equal(["scripted-1", "large-1", "small-1", "large-1"], models);
        Assert.Equal(models, Model.Requests.Select(request => request.Model));
        Assert.Equal("large-1", (await host.Client.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{large}", TestContext.Current.CancellationToken)).GetProperty("model").GetString());
        Assert.False((await host.Client.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{plain}", TestContext.Current.CancellationToken)).TryGetProperty("model", out _));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("gpt-of-nobody")]
    [InlineData("LARGE-1")]
    [InlineData("")]
    public async Task Request_IsRefusedWithTheChoices_AndNothingIsStored(string wanted)
    {
        var session = await CreateAsync(null);

        foreach (var (path, body) in new[] { ("/v1/kgent/sessions", (object)new { model = wanted }), ($"/v1/kgent/sessions/{session}/messages", new { message = "well?", model = wanted }) })
        {
            using var response = await host.Client.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);
            var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
            Assert.Equal("must be one of small-1, large-1", problem.GetProperty("errors").GetProperty("model")[0].GetString());
        }

        Assert.Empty(await host.Client.MessagesAsync(session));
        Assert.Single((await host.Client.GetFromJsonAsync<JsonElement>("/v1/kgent/sessions", TestContext.Current.CancellationToken)).GetProperty("sessions").EnumerateArray());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Key_BelongsToOneModel()
    {
        var session = await CreateAsync(null);
        await (await host.Client.PostAsync(session, "key-1", new { message = "well?", model = "small-1" })).TurnAsync();

        using var same = await host.Client.PostAsync(session, "key-1", new { message = "well?", model = "small-1" });
        using var other = await host.Client.PostAsync(session, "key-1", new { message = "well?", model = "large-1" });

        Assert.True(same.IsReplayed());
        Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Message_IsRefused_WhenItsSessionsModelIsNotAllowedAnyMore()
    {
        var session = await CreateAsync("large-1");
        await using var later = await KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Model:Allowed", "small-1"), ("Auth:BootstrapKey", KeyOf(host)));

        using var refused = await host.Client.SendAsync(Post(later, session, null), TestContext.Current.CancellationToken);
        using var accepted = await host.Client.SendAsync(Post(later, session, "small-1"), TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.UnprocessableEntity, HttpStatusCode.OK), (refused.StatusCode, accepted.StatusCode));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_EndsModelNotAllowed_WhenItsWorkerHasNoSuchModel()
    {
        var session = SessionId.Parse(await CreateAsync(null));
        var turn = TurnId.New(TimeProvider.System);
        await Conversations.StoreAsync(host, Subjects.UserMessages(Conversations.Tenant, session), JsonSerializer.SerializeToUtf8Bytes(
            new UserMessage(turn, 1, "well?", DialogueModes.Reflect, TimeProvider.System.GetUtcNow(), Model: "gone-1"), WireJson.Default.UserMessage));

        var answer = await Conversations.AnswerAsync(host, session, 1);

        Assert.Equal((TurnStatus.Failed, "model_not_allowed", "gone-1"), (answer.Status, answer.ErrorCode, answer.Model));
        Assert.Empty(Model.Requests);
        Assert.Empty((await TurnRecords.ReadAsync(host, session.ToString(), turn)).Usage);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Process_DoesNotStart_WithModelsThatNobodyHas()
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => KgentsHost.StartAsync(Nats.Url, Parts.Streaming, Allowed));

        Assert.Contains("Model:Allowed", exception.Message, StringComparison.Ordinal);
    }

    private static string KeyOf(KgentsHost host) => host.Client.DefaultRequestHeaders.Authorization!.Parameter!;

    private static HttpRequestMessage Post(KgentsHost api, string session, string? model) =>
        new(HttpMethod.Post, new Uri(api.Client.BaseAddress!, $"/v1/kgent/sessions/{session}/messages")) { Content = JsonContent.Create(new { message = "well?", model, stream = false }) };

    private async Task<string> CreateAsync(string? wanted)
    {
        using var response = await host.Client.PostAsJsonAsync("/v1/kgent/sessions", new { model = wanted }, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;
    }

    /// <summary>Who answered.</summary>
    private async Task<string?> SayAsync(string session, string? wanted)
    {
        using var response = await host.Client.PostAsJsonAsync($"/v1/kgent/sessions/{session}/messages", new { message = "well?", model = wanted, stream = false }, TestContext.Current.CancellationToken);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("model").GetString();
    }
}
