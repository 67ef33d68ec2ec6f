using System.Net;
using System.Text;
using System.Text.Json;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Conversations;

[Collection(typeof(OneSystem))]
public sealed class BadInputTests(SharedSystem shared)
{
    private const string TooLong = "too long";
    private const string Unknown = "s0-00000000000000000000000000000000";
    private readonly KgentsSystem system = shared.System;

    /// <summary>In a path, {mine} is a session of the caller, {theirs} one of another tenant.</summary>
    [Theory(Timeout = Limits.Milliseconds)]
    [InlineData("POST", "", """{"mode":"reflect" """, 400, "body")]
    [InlineData("POST", "", """["reflect"]""", 400, "body")]
    [InlineData("POST", "", """{"mode":7}""", 400, "mode")]
    [InlineData("POST", "", """{"mode":"dream"}""", 422, "mode")]
    [InlineData("POST", "", """{"mode":""}""", 422, "mode")]
    [InlineData("POST", "", """{"title":true}""", 400, "title")]
    [InlineData("POST", "", """{"colour":"red"}""", 400, "colour")]
    [InlineData("POST", "/{mine}/messages", "", 400, "body")]
    [InlineData("POST", "/{mine}/messages", "null", 400, "body")]
    [InlineData("POST", "/{mine}/messages", """{"message":"Hello" """, 400, "body")]
    [InlineData("POST", "/{mine}/messages", """{"message":"Hello"} trailing""", 400, "body")]
    [InlineData("POST", "/{mine}/messages", """{"message":5}""", 400, "message")]
    [InlineData("POST", "/{mine}/messages", """{"message":["Hello"]}""", 400, "message")]
    [InlineData("POST", "/{mine}/messages", """{"message":"\ud800"}""", 400, "message")]
    [InlineData("POST", "/{mine}/messages", """{"message":"Hello","stream":"no"}""", 400, "stream")]
    [InlineData("POST", "/{mine}/messages", """{"message":"Hello","strem":false}""", 400, "strem")]
    [InlineData("POST", "/{mine}/messages", """{"message":"Hello","mode":"dream"}""", 422, "mode")]
    [InlineData("POST", "/{mine}/messages", """{"message":"Hello","mode":1}""", 400, "mode")]
    [InlineData("POST", "/{mine}/messages", "{}", 422, "message")]
    [InlineData("POST", "/{mine}/messages", """{"message":null}""", 422, "message")]
    [InlineData("POST", "/{mine}/messages", """{"message":""}""", 422, "message")]
    [InlineData("POST", "/{mine}/messages", """{"message":" \n\t"}""", 422, "message")]
    [InlineData("POST", "/{mine}/messages", TooLong, 422, "message")]
    [InlineData("POST", "/nonsense/messages", """{"message":"Hello"}""", 400, "sessionId")]
    [InlineData("POST", "/S0-00000000000000000000000000000000/messages", """{"message":"Hello"}""", 400, "sessionId")]
    [InlineData("POST", "/s0-0000000000000000000000000000000%2a/messages", """{"message":"Hello"}""", 400, "sessionId")]
    [InlineData("POST", $"/{Unknown}/messages", """{"message":"Hello"}""", 404, null)]
    [InlineData("POST", "/{theirs}/messages", """{"message":"Hello"}""", 404, null)]
    [InlineData("GET", "/nonsense", null, 400, "sessionId")]
    [InlineData("GET", $"/{Unknown}", null, 404, null)]
    [InlineData("GET", "/{theirs}", null, 404, null)]
    [InlineData("GET", "/{theirs}/messages", null, 404, null)]
    [InlineData("GET", "/{mine}/messages?limit=0", null, 400, "limit")]
    [InlineData("GET", "/{mine}/messages?limit=many", null, 400, "limit")]
    [InlineData("GET", "?cursor=-1", null, 400, "cursor")]
    public async Task Request_IsRefusedAndNothingIsStored_WhenItIsNotValid(string method, string path, string? body, int status, string? field)
    {
        var mine = await system.Client.CreateSessionAsync();
        var (_, other) = await system.NewTenantAsync();
        var theirs = await other.CreateSessionAsync();
        var before = await system.Store.WritesAsync();

        using var request = new HttpRequestMessage(new HttpMethod(method), $"/v1/kgent/sessions{path.Replace("{mine}", mine).Replace("{theirs}", theirs)}");
        request.Content = body is null ? null : new StringContent(body == TooLong ? LongMessage() : body, Encoding.UTF8, "application/json");
        using var response = await system.Client.Http.SendAsync(request, TestContext.Current.CancellationToken);

        var problem = await ReadProblemAsync(response);
        Assert.Equal((status, status), ((int)response.StatusCode, problem.GetProperty("status").GetInt32()));
        if (field is not null)
        {
            Assert.Equal(field, Assert.Single(problem.GetProperty("errors").EnumerateObject()).Name);
            Assert.StartsWith($"{field}: ", problem.Text("detail"), StringComparison.Ordinal);
        }

        Assert.Equal(before, await system.Store.WritesAsync());
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Message_IsAccepted_WhenItIsAsLongAsAllowed()
    {
        var session = await system.Client.CreateSessionAsync();

        var frames = await system.Client.SayAsync(session, new string('é', 16 * 1024));

        Assert.Equal("complete", frames.Terminal().Event);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Unauthorized_IsTheSameAnswer_WhateverIsWrongWithTheKey()
    {
        var session = await system.Client.CreateSessionAsync();
        var before = await system.Store.WritesAsync();
        var answers = new List<string>();
        foreach (var key in new[] { null, "", "nonsense", "kg_e2e00_short", ApiKey.New().Text, system.Key + "x", system.Key[..^1] })
        {
            foreach (var path in new[] { "/v1/kgent/sessions", $"/v1/kgent/sessions/{session}/messages" })
            {
                var client = system.Connect(key);
                using var response = await client.Http.PostAsync(path, new StringContent("{\"message\":\"Hello\"}", Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);

                Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
                Assert.Equal("Bearer", Assert.Single(response.Headers.WwwAuthenticate).Scheme);
                var problem = await ReadProblemAsync(response);
                answers.Add(string.Join("\n", problem.EnumerateObject().Where(property => property.Name != "trace_id")));
            }
        }

        Assert.Single(answers.Distinct());
        Assert.Equal(before, await system.Store.WritesAsync());
    }

    private static string LongMessage() => JsonSerializer.Serialize(new { message = new string('é', 16 * 1024) + "!" });

    private static async Task<JsonElement> ReadProblemAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        return JsonElement.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
