using System.Net.Http.Json;
using System.Text.Json;
using CsCheck;
using Kgents.Api.Agentese;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Agentese;

/// <summary>The laws that docs/agentese.md names, over HTTP, with the built-in persona, which says the same to the same.</summary>
[TakesSeconds(29)]
public sealed class LawTests(LawTests.Target target) : IClassFixture<LawTests.Target>
{
    private const int Samples = 25;

    private static readonly string[] Morphisms = ["self.soul.reflect", "self.soul.advise", "self.soul.challenge", "self.soul.explore", "concept.boat.define", "world.boat.transform", "self.identity.pass"];

    private static readonly Gen<string> Input = Gen.String[Gen.Char["abc xyz?é"], 1, 40].Where(text => !string.IsNullOrWhiteSpace(text));

    private readonly KgentsHost host = target.Host;

    [Fact(Timeout = Limits.Test)]
    public Task Identity_DoesNothing_BeforeAPathAndAfterIt() => Gen.OneOf(Morphisms).Select(Input).SampleAsync(
        async (path, input) =>
        {
            var alone = await ComposeAsync(input, path);
            Assert.Equal(alone, await ComposeAsync(input, "self.identity.pass", path));
            Assert.Equal(alone, await ComposeAsync(input, path, "self.identity.pass"));
        },
        iter: Samples,
        threads: 1);

    [Fact(Timeout = Limits.Test)]
    public Task Composition_IsAssociative_HoweverItIsBracketed() => Gen.Select(Gen.Shuffle(Morphisms, 3, 5), Gen.Int[1, 2], Gen.Int[1, 2], Input).SampleAsync(
        async (paths, left, right, input) =>
        {
            var flat = await ComposeAsync(input, [.. paths]);
            Assert.Equal(flat, await ComposeAsync(input, [paths.Take(left).ToArray(), .. paths.Skip(left)]));
            Assert.Equal(flat, await ComposeAsync(input, [.. paths.SkipLast(right), new object[] { paths.TakeLast(right).ToArray() }]));
        },
        iter: Samples,
        threads: 1);

    /// <summary>One after the other by hand is the same as composed.</summary>
    [Fact(Timeout = Limits.Test)]
    public Task Composition_IsWhatItsPathsAreOneByOne() => Gen.Select(Gen.Shuffle(Morphisms, 2, 3), Input).SampleAsync(
        async (paths, input) =>
        {
            var step = JsonSerializer.SerializeToElement(input);
            foreach (var path in paths)
            {
                step = JsonElement.Parse(await ComposeAsync(step, path));
            }

            Assert.Equal(step.GetRawText(), await ComposeAsync(input, [.. paths]));
        },
        iter: Samples,
        threads: 1);

    [Fact(Timeout = Limits.Test)]
    public async Task Observers_SeeTheSameHandleEachInTheirWay_AndAlwaysInThatWay()
    {
        await ComposeAsync("It floats.", "world.boat.define");
        foreach (var handle in new[] { "world.boat", "concept.boat", "self.soul", "world.system" })
        {
            var seen = new Dictionary<string, string>();
            foreach (var archetype in Archetypes.All)
            {
                var affordances = await AffordancesAsync(handle, archetype.Name);
                Assert.Equal(affordances, await AffordancesAsync(handle, archetype.Name));
                seen[archetype.Name] = affordances;
            }

            // As many views as there are sets of what can be done.
            var node = host.Services.GetRequiredService<NodeRegistry>().Find(PathParser.TryParseHandle(handle, out var path, out _) ? path : throw new InvalidOperationException(handle))!;
            Assert.Equal(Archetypes.All.Select(archetype => string.Join(' ', Invoker.Offered(node, archetype).Select(aspect => aspect.Name))), seen.Values);
            Assert.Equal(handle is "self.soul" ? 1 : handle is "world.system" ? 2 : Archetypes.All.Select(archetype => string.Join(' ', handle == "world.boat" ? archetype.World : archetype.Concept)).Distinct().Count(), seen.Values.Distinct().Count());
        }
    }

    /// <summary>Every path that can be asked without anything there: none answers a list.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Output_IsOneThing_OfEveryPath()
    {
        await ComposeAsync("It floats.", "world.boat.define");
        await ComposeAsync("It floats.", "concept.boat.define");
        var asked = 0;
        foreach (var node in host.Services.GetRequiredService<NodeRegistry>().All)
        {
            // The persona has no dialectic.
            foreach (var aspect in node.Aspects.Where(aspect => aspect.Name != "dialectic" && !aspect.Parameters.Any(parameter => parameter.IsRequired)))
            {
                var path = $"{node.Context}.{node.Holon ?? "boat"}.{aspect.Name}";
                using var response = await SendAsync("invoke", new { path = path + "[minimal_output][law_check]", observer = new { archetype = aspect.Archetypes is [var first, ..] ? first : "developer" } });
                var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

                Assert.True(response.IsSuccessStatusCode && JsonElement.Parse(text) is var answer && answer.GetProperty("result").ValueKind == JsonValueKind.Object && answer.GetProperty("laws")[0].GetString() == "minimal_output", $"{path}: {text}");
                asked++;
            }
        }

        Assert.True(asked > 60, $"{asked}");
        using var list = await SendAsync("compose", new { paths = new[] { "self.identity.pass" }, input = new[] { 1 } });
        Assert.Contains("agentese-law-violation", await list.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private async Task<string> ComposeAsync(object input, params object[] paths)
    {
        using var response = await SendAsync("compose", new { paths, input, observer = new { archetype = "developer" } });
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonElement.Parse(text).GetProperty("result").GetRawText();
    }

    private async Task<string> AffordancesAsync(string handle, string archetype)
    {
        var answer = await host.Client.GetFromJsonAsync<JsonElement>($"/v1/agentese/affordances?path={handle}&archetype={archetype}", TestContext.Current.CancellationToken);
        var shown = await SendAsync("invoke", new { path = $"{handle}.affordances", observer = new { archetype } });
        var affordances = string.Join(' ', answer.GetProperty("affordances").EnumerateArray().Select(each => each.GetString()));
        Assert.Equal(affordances, string.Join(' ', (await shown.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("result").GetProperty("affordances").EnumerateArray().Select(each => each.GetString())));
        return affordances;
    }

    private Task<HttpResponseMessage> SendAsync(string what, object body) => host.Client.PostAsJsonAsync($"/v1/agentese/{what}", body, TestContext.Current.CancellationToken);

    /// <summary>One host for all laws.</summary>
    public sealed class Target : IAsyncLifetime
    {
        private NatsServer nats = null!;

        internal KgentsHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
            Host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("Agentese:EntropyBudget", "1000000"));
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            await nats.DisposeAsync();
        }
    }
}
