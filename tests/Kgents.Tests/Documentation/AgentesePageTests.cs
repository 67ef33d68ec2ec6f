using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kgents.Api.Agentese;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Documentation;

/// <summary>docs/agentese.md has every path with a request and its answer, and each is what the API answers: the examples are run one after the other.</summary>
public sealed partial class AgentesePageTests : IAsyncLifetime
{
    private static readonly MarkdownPage Page = MarkdownPage.Read("agentese.md");

    /// <summary>What is of the moment or of the machine; only that it is there is compared.</summary>
    private static readonly string[] OfTheMoment =
        ["offset_ms", "first_chunk_ms", "bytes", "first", "last", "messages", "waiting", "under_way", "0", "sequence", "forecast_tokens", "total_tokens", "as_of", "month", "id", "seed", "trace_id", "at", "next", "known", "model", "models"];

    private NatsServer nats = null!;
    private ScriptedModelServer model = null!;
    private KgentsHost host = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming | Parts.Metering, ("ConnectionStrings:llm", model.ConnectionString), ("Model:MaxRetries", "0"));
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await model.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = 2 * Limits.Test)]
    public async Task EveryExample_IsWhatIsAnswered()
    {
        var ids = new Dictionary<string, string>();
        foreach (var example in Examples())
        {
            var answered = await AskAsync(example, ids);
            if (!example.IsJson)
            {
                Assert.Equal(example.Answer, answered);
                continue;
            }

            var difference = Difference(JsonElement.Parse(example.Answer), JsonElement.Parse(answered), ids, isLoose: example.Request.Contains("void.serendipity.tangent", StringComparison.Ordinal));
            Assert.True(difference is null, $"{example.Request}\n{difference}\n{answered}");
        }
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryPath_HasAnExample()
    {
        var shown = Examples().Where(example => example.Status == 200 && example.What == "invoke").Select(example => PathOf(example.Body)).Select(path => Names.Match(path).Value).ToHashSet();

        var all = host.Services.GetRequiredService<NodeRegistry>().All.SelectMany(node => node.Aspects.Select(aspect => $"{node.Context}.{node.Holon ?? (node.Context == "world" ? "old_house" : "justice")}.{aspect.Name}"));
        Assert.Equivalent(all.Append("self.soul.affordances"), shown, strict: true);
    }

    [Fact]
    public void EveryArchetype_IsNamedWithItsRankAndWhatItCan() => Assert.Equal(
        Archetypes.All.Select(archetype => $"`{archetype.Name}` {archetype.Rank}: {string.Join(' ', archetype.World)}: {string.Join(' ', archetype.Concept)}"),
        Page.Table("Observers").Select(row => $"{row[0]} {row[1]}: {string.Join(' ', MarkdownPage.Codes(row[2]))}: {string.Join(' ', MarkdownPage.Codes(row[3]))}"));

    [Fact]
    public void EveryModifierAndContext_IsNamed()
    {
        Assert.Equivalent(PathModifiers.Clauses.Concat(PathModifiers.Annotations).Distinct(), Page.Table("Grammar").Skip(2).SelectMany(row => Modifier.Matches(row[1]).Select(match => match.Groups[1].Value)).Distinct(), strict: true);
        Assert.Equal(PathParser.Contexts, MarkdownPage.Codes(Page.Table("Grammar")[0][1]));
        Assert.All(PathModifiers.Phases, phase => Assert.Contains($"`{phase}`", Page.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void EveryLaw_HasItsTest() => Assert.All(Page.Table("Laws"), law => Assert.NotNull(typeof(Api.Agentese.LawTests).GetMethod(law[2].Trim('`'))));

    private static IEnumerable<Example> Examples() => Page.Examples("agentese").SelectMany(block => Pair.Matches(block)).Select(pair => new Example(pair.Groups[1].Value, pair.Groups[2].Value));

    private static string PathOf(string body) => JsonElement.Parse(body).GetProperty("path").GetString()!;

    private async Task<string> AskAsync(Example example, IReadOnlyDictionary<string, string> ids)
    {
        var body = ids.Aggregate(example.Body, (text, id) => text.Replace(id.Key, id.Value, StringComparison.Ordinal)).Replace("@now", TimeProvider.System.GetUtcNow().ToString("O"), StringComparison.Ordinal);
        Script(example);
        if (example.Request.Contains("self.usage", StringComparison.Ordinal) || example.Request.Contains("world.system.lag", StringComparison.Ordinal))
        {
            await Eventually.TrueAsync(async () => !(await host.Client.GetFromJsonAsync<JsonElement>("/v1/usage", TestContext.Current.CancellationToken)).GetProperty("is_behind").GetBoolean());
        }

        using var response = example.What == "GET"
            ? await host.Client.GetAsync(new Uri($"/v1/agentese/{body}", UriKind.Relative), TestContext.Current.CancellationToken)
            : await host.Client.PostAsync($"/v1/agentese/{example.What}", new StringContent(body, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(example.Status == (int)response.StatusCode, $"{example.Request}\n{text}");
        return example.IsJson ? text : string.Join(' ', EventName.Matches(text).Select(name => name.Groups[1].Value));
    }

    /// <summary>The model says what the page says that it does.</summary>
    private void Script(Example example)
    {
        if (!example.IsJson || example.Status != 200 || example.What == "GET" || !JsonElement.Parse(example.Answer).TryGetProperty("result", out var result))
        {
            return;
        }

        foreach (var step in JsonElement.Parse(example.Answer).TryGetProperty("steps", out var steps) ? steps.EnumerateArray().SkipLast(1) : [])
        {
            model.Enqueue(new ModelScript(new ModelStep.Token($"{step.GetProperty("path")}: wider."), new ModelStep.Usage(40, 9)));
        }

        var said = result.TryGetProperty("thesis", out var thesis) ? $"THESIS: {thesis}\nANTITHESIS: {result.GetProperty("antithesis")}\nSYNTHESIS: {result.GetProperty("synthesis")}"
            : result.TryGetProperty("text", out var text) && !example.Request.Contains("tangent", StringComparison.Ordinal) ? text.GetString() : null;
        if (said is not null)
        {
            model.Enqueue(new ModelScript(new ModelStep.Token(said), new ModelStep.Usage(40, 9)));
        }
    }

    /// <summary>Null when the answer is the documented one, but for what is of the moment; an id stands for the same id everywhere.</summary>
    private static string? Difference(JsonElement documented, JsonElement answered, Dictionary<string, string> ids, bool isLoose)
    {
        if (documented.ValueKind != answered.ValueKind && !(documented.ValueKind is JsonValueKind.True or JsonValueKind.False))
        {
            return $"{documented} became {answered}";
        }

        switch (documented.ValueKind)
        {
            case JsonValueKind.Object:
                var (names, others) = (documented.EnumerateObject().Select(member => member.Name).ToList(), answered.EnumerateObject().Select(member => member.Name).ToList());
                return !names.SequenceEqual(others) ? $"{string.Join(' ', names)} became {string.Join(' ', others)}"
                    : names.Where(name => !OfTheMoment.Contains(name)).Select(name => Difference(documented.GetProperty(name), answered.GetProperty(name), ids, isLoose)).FirstOrDefault(each => each is not null);
            case JsonValueKind.Array:
                return documented.GetArrayLength() != answered.GetArrayLength() ? $"{documented.GetArrayLength()} became {answered.GetArrayLength()} of {documented}"
                    : documented.EnumerateArray().Zip(answered.EnumerateArray()).Select(pair => Difference(pair.First, pair.Second, ids, isLoose)).FirstOrDefault(each => each is not null);
            case JsonValueKind.String when Id.IsMatch(documented.GetString()!) && Id.IsMatch(answered.GetString()!):
                return isLoose || ids.TryAdd(documented.GetString()!, answered.GetString()!) || ids[documented.GetString()!] == answered.GetString() ? null : $"{documented} was {ids[documented.GetString()!]} and is {answered}";
            case JsonValueKind.String when documented.TryGetDateTimeOffset(out _):
                return answered.TryGetDateTimeOffset(out _) ? null : $"{documented} became {answered}";
            default:
                return isLoose || documented.GetRawText() == answered.GetRawText() ? null : $"{documented} became {answered}";
        }
    }

    private sealed record Example(string Request, string Text)
    {
        public string What => Request[..Request.IndexOf(' ', StringComparison.Ordinal)];

        public string Body => Request[(Request.IndexOf(' ', StringComparison.Ordinal) + 1)..];

        public int Status => StatusFirst.Match(Text) is { Success: true } status ? int.Parse(status.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture) : 200;

        public string Answer => StatusFirst.Replace(Text, "");

        public bool IsJson => Answer.StartsWith('{');
    }

    [GeneratedRegex("^> (.+)\n< (.+)$", RegexOptions.Multiline)]
    private static partial Regex Pair { get; }

    [GeneratedRegex("^([0-9]{3}) ")]
    private static partial Regex StatusFirst { get; }

    [GeneratedRegex("^[a-z_.0-9]+")]
    private static partial Regex Names { get; }

    [GeneratedRegex("^(s[0-9]{1,3}|[taku])-[0-9a-f]{32}$")]
    private static partial Regex Id { get; }

    [GeneratedRegex("`[[@]([a-z_]+)")]
    private static partial Regex Modifier { get; }

    [GeneratedRegex("^event: ([a-z]+)$", RegexOptions.Multiline)]
    private static partial Regex EventName { get; }
}
