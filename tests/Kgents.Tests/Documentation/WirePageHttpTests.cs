using System.Net.Http.Json;
using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text;
using Kgents.Api.Edge;
using Kgents.Api.Limits;
using Kgents.Api.Problems;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Telemetry;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Documentation;

/// <summary>docs/wire.md names every route, problem and header of a stream that the API has, and no other.</summary>
public sealed class WirePageHttpTests : IAsyncLifetime
{
    private static readonly MarkdownPage Page = MarkdownPage.Read("wire.md");
    private static readonly TurnId Turn = TurnId.Parse("t-0123456789abcdef0123456789abcdef");

    private NatsServer nats = null!;
    private KgentsHost host = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming);
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryRoute_IsNamed()
    {
        var routes = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().SelectMany(endpoint =>
            (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["any"]).Select(method => $"{method} {endpoint.RoutePattern.RawText!.TrimEnd('/')}"));

        Assert.Equivalent(routes, Page.Names("Endpoints"), strict: true);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EveryHeaderOfAStream_IsNamedWithItsValue()
    {
        var session = await host.Client.CreateSessionAsync();
        using var response = await host.Client.PostAsync(session, "Hello");
        var turn = (await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).FirstAsync(TestContext.Current.CancellationToken)).Json.GetProperty("turn_id").GetString()!;

        var own = Page.Names("Headers of every answer").Except(["Cache-Control"]).Concat(["Date", "Transfer-Encoding"]);
        var sent = response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated).Where(header => !own.Contains(header.Key));
        Assert.Equivalent(
            sent.Select(header => $"`{header.Key}`: `{header.Value}`".Replace(session, "{sessionId}", StringComparison.Ordinal).Replace(turn, "{turnId}", StringComparison.Ordinal)), Page.Table("Streams").Select(row => $"{row[0]}: {row[1]}"), strict: true);
    }

    [Fact]
    public void EveryHeaderOfAnAnswer_IsNamedWithItsValue() => Assert.Equal(
        AnswerHeaders.Defaults.Select(header => $"`{header.Key}`: `{header.Value}`"), Page.Table("Headers of every answer").Select(row => $"{row[0]}: {row[1]}"));

    [Fact(Timeout = Limits.Test)]
    public async Task EveryHeaderOfAMessage_IsNamed()
    {
        await host.Client.SayAsync(await host.Client.CreateSessionAsync(), "Hello");

        var headers = new HashSet<string>(["Nats-Sequence", "Nats-Last-Sequence", RequestCounter.Increment, MessageSpans.TraceParent]);
        foreach (var (stream, subject) in new[] { (Streams.Messages, Subjects.AllUserMessages), (Streams.Tokens, Subjects.AllTokens), (Streams.Usage, Subjects.AllUsage) })
        {
            headers.UnionWith((await host.Reader.LastAsync(stream.Name, subject, TestContext.Current.CancellationToken))!.Headers.Keys);
        }

        Assert.Equivalent(headers, Page.Names("Headers"), strict: true);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("GET", "/v1/kgent/nothing", HttpStatusCode.NotFound, "application/json", 0)]
    [InlineData("PUT", "/v1/kgent/sessions", HttpStatusCode.MethodNotAllowed, "application/json", 2)]
    [InlineData("POST", "/v1/kgent/sessions", HttpStatusCode.RequestEntityTooLarge, "application/json", 65 * 1024)]
    [InlineData("POST", "/v1/kgent/sessions", HttpStatusCode.UnsupportedMediaType, "text/plain", 2)]
    public async Task Answer_IsAProblem_AlsoWhereTheFrameworkGivesIt(string method, string path, HttpStatusCode expected, string mediaType, int length)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new StringContent(new string(' ', length), Encoding.UTF8, mediaType) };
        using var response = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((expected, "application/problem+json"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal((int)expected, problem.GetProperty("status").GetInt32());
    }

    [Fact]
    public void EveryProblem_IsNamedWithItsStatusesAndFields()
    {
        var problems = Problems().GroupBy(problem => problem.ProblemDetails.Type).Select(type =>
            $"`{type.Key}`: {string.Join(", ", type.Select(problem => problem.StatusCode).Distinct().Order())}: {string.Join(' ', type.SelectMany(FieldsOf).Distinct())}");

        Assert.Equivalent(problems, Page.Table("Problems").Select(row => $"{row[0]}: {row[1]}: {string.Join(' ', MarkdownPage.Codes(row[2]))}"), strict: true);
    }

    /// <summary>What every member of <see cref="Problem"/> makes; of those that take a code or a status, for each one.</summary>
    private static IEnumerable<ProblemHttpResult> Problems()
    {
        const BindingFlags Members = BindingFlags.Public | BindingFlags.Static;
        var fixedOnes = typeof(Problem).GetProperties(Members).Where(property => property.PropertyType == typeof(ProblemHttpResult)).Select(property => property.GetValue(null));
        var made = typeof(Problem).GetMethods(Members)
            .Where(method => method is { IsSpecialName: false, Name: not nameof(Problem.Create) } && method.ReturnType == typeof(ProblemHttpResult))
            .SelectMany(method => Arguments(method).Select(arguments => method.Invoke(null, arguments)));
        return fixedOnes.Concat(made).Cast<ProblemHttpResult>();
    }

    private static IEnumerable<object?[]> Arguments(MethodInfo method) => method.Name switch
    {
        nameof(Problem.Invalid) => new[] { 400, 408, 422 }.Select(status => new object?[] { status, "field", "reason" }),
        nameof(Problem.TurnFailed) => typeof(TurnErrorCodes).GetFields().Select(code => new object?[] { new TurnFailed((string)code.GetRawConstantValue()!, "message"), Turn }),
        _ => [[.. method.GetParameters().Select(parameter => Argument(method, parameter.ParameterType))]],
    };

    private static object Argument(MethodInfo method, Type type) =>
        (Nullable.GetUnderlyingType(type) ?? type) switch
        {
            var id when id == typeof(TurnId) => Turn,
            var status when status == typeof(TurnStatus) => TurnStatus.Completed,
            var status when status == typeof(TenantStatus) => TenantStatus.Paused,
            var text when text == typeof(string) => "text",
            var number when number == typeof(int) => 1,
            var number when number == typeof(long) => 1L,
            var time when time == typeof(DateTimeOffset) => DateTimeOffset.UnixEpoch,
            var number when number == typeof(decimal) => 1m,
            var list when list == typeof(IReadOnlyList<string>) => Array.Empty<string>(),
            _ => throw new InvalidOperationException($"Problem.{method.Name} takes a {type.Name}: say here which."),
        };

    private static IEnumerable<string> FieldsOf(ProblemHttpResult problem) =>
        problem.ProblemDetails is HttpValidationProblemDetails ? ["errors"] : problem.ProblemDetails.Extensions.Keys.Order();
}
