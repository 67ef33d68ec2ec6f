using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using CsCheck;
using Kgents.Api.Agentese;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Agentese;

/// <summary>
/// Paths, clauses and values that nobody foresaw, with a key that may do everything: no answer is a fault, each refusal is a problem, and one that was refused has stored nothing.
/// <c>KGENTS_FUZZ</c> multiplies the cases.
/// </summary>
public sealed class PathFuzzTests(PathFuzzTests.Target target) : IClassFixture<PathFuzzTests.Target>
{
    private static readonly int Times = int.Parse(Environment.GetEnvironmentVariable("KGENTS_FUZZ") ?? "1", CultureInfo.InvariantCulture);

    private static readonly string[] Injections =
    [
        "self.soul.manifest'; DROP TABLE sessions;--", "self.$KV.>", "world.*.define", "world.>.define", "world.a.b.c.d.e.define", "../../etc/passwd", "world.house.define\r\nX-Evil: 1", "world.house.define\0", "world.{0}.define", "world.$(id).define", "world.%2e%2e.define",
        "<script>.alert.now", "self.soul.reflect[phase=PLAN][phase=PLAN]", "self.soul.reflect[[[[[[[[", "self.soul.reflect]]]]", "self.soul.reflect@@@@", "void.entropy.sip[entropy=0.07", "void.entropy.sip[entropy=1e308]", "void.entropy.sip[entropy=-0]", "void.entropy.sip[entropy=٠]", "ｓelf.soul.reflect", "self.soul.reflect\u202e",
    ];

    private readonly KgentsHost host = target.Host;

    private Gen<string> Path
    {
        get
        {
            string[] real = [.. host.Services.GetRequiredService<NodeRegistry>().All.SelectMany(node => node.Aspects.Select(aspect => $"{node.Context}.{node.Holon ?? "house"}.{aspect.Name}"))];
            var name = Gen.OneOf(Gen.OneOf("self", "world", "soul", "entropy", "manifest", "define", ""), Gen.String[Gen.Char["abz09_-.[]@= \u00e9\0"], 0, 12], Gen.String[Gen.Char.AlphaNumeric, 0, 60]);
            var modifier = Gen.Select(
                Gen.OneOf("[", "@", "[[", ""), Gen.OneOf("phase", "entropy", "law_check", "rollback", "minimal_output", "span", "dot", "fase", ""), Gen.OneOf("=", "", "=="), Gen.OneOf("PLAN", "0.5", "2", "true", "a b", "]", "1e9", ""), Gen.OneOf("]", "", "]]"),
                (open, each, equals, value, close) => open + each + equals + value + close);
            return Gen.Frequency(
                (3, Gen.OneOf(real).Select(modifier.Array[0, 4], (path, modifiers) => path + string.Concat(modifiers))),
                (3, Gen.Select(Gen.OneOf([.. PathParser.Contexts, "heaven"]), name, name, modifier.Array[0, 2], (context, holon, aspect, modifiers) => $"{context}.{holon}.{aspect}{string.Concat(modifiers)}")),
                (2, Gen.Select(Gen.OneOf(real), Gen.Int[0, 60], Gen.Char, (path, at, character) => path.Insert(Math.Min(at, path.Length), character.ToString()))),
                (1, Gen.OneOf(Injections)),
                (1, Gen.Int[490, 11_000].Select(length => "self.soul.reflect" + new string('[', length))),
                (2, Gen.String[Gen.Char, 0, 60]));
        }
    }

    /// <summary>Each has a value that no path takes, which is looked at last: nothing that comes before it may be a fault, or done.</summary>
    [Fact(Timeout = 2 * Limits.Test)]
    public async Task Paths_AreRefused_AndNeverAFault()
    {
        var before = await StoredState.ReadAsync(host);

        await Path.Select(Gen.OneOf([.. Archetypes.All.Select(archetype => archetype.Name), "emperor"])).SampleAsync(
            (path, archetype) => RefusedAsync("invoke", new { path = Whole(path), observer = new { archetype }, kwargs = new { no_such_value = 1 } }, succeeds: false),
            iter: 24_000 * Times,
            threads: 4);

        Assert.Equal(before, await StoredState.ReadAsync(host));
    }

    [Fact(Timeout = 2 * Limits.Test)]
    public async Task Compositions_AreRefused_AndNeverAFault()
    {
        var before = await StoredState.ReadAsync(host);
        var nested = Path.Array[0, 12].Select(Gen.Int[0, 30], (paths, depth) => depth == 0 ? paths.Cast<object>().ToArray() : [Nest(paths, depth)]);

        await nested.Select(Gen.OneOf<object?>("text", 7, null, new[] { 1 })).SampleAsync(
            (paths, input) => RefusedAsync("compose", new { paths = paths.Select(each => each is string text ? Whole(text) : each), input, kwargs = new { no_such_value = 1 } }, succeeds: false),
            iter: 6_000 * Times,
            threads: 4);

        Assert.Equal(before, await StoredState.ReadAsync(host));

        static object Nest(object inner, int depth) => depth == 0 ? inner : Nest(new[] { inner }, depth - 1);
    }

    [Fact(Timeout = 2 * Limits.Test)]
    public async Task Handles_AreFoundOrRefused_AndNeverAFault()
    {
        var before = await StoredState.ReadAsync(host);

        await Path.Select(Gen.OneOf("resolve?path={0}", "affordances?path={0}", "affordances?path=self.soul&archetype={0}", "paths?archetype={0}", "paths?cursor={0}", "paths?limit={0}")).SampleAsync(
            async (text, query) =>
            {
                var asked = string.Format(CultureInfo.InvariantCulture, query, Uri.EscapeDataString(Whole(text.Length > 600 ? text[..600] : text)));
                using var response = await host.Client.GetAsync(new Uri($"/v1/agentese/{asked}", UriKind.Relative), TestContext.Current.CancellationToken);
                Judge(response, asked, succeeds: true);
            },
            iter: 6_000 * Times,
            threads: 4);

        Assert.Equal(before, await StoredState.ReadAsync(host));
    }

    /// <summary>What needs no worker, so that each is answered.</summary>
    [Fact(Timeout = 2 * Limits.Test)]
    public async Task Values_OfAnyKind_AreTakenOrRefused_AndNeverAFault()
    {
        string[] paths =
        [
            .. host.Services.GetRequiredService<NodeRegistry>().All.SelectMany(node => node.Aspects.Where(aspect => !aspect.IsTurn).Select(aspect => $"{node.Context}.{node.Holon ?? "house"}.{aspect.Name}")),
        ];
        var values = Gen.OneOf(
            Gen.OneOf("null", "true", "0", "-1", "0.05", "1", "1e400", "-0", "9223372036854775808", "0.00001", "\"\"", "\" \"", "\"max\"", "\"failed\"", "\"2999-01-01T00:00:00Z\"", "\"2026-01-01T00:00:00+14:00\"", "\"0001-01-01T00:00:00+14:00\"", "[]", "{}", "{\"text\":7}", "{\"text\":\"\\ud800\"}", "{\"\\udfff\":1}", "\"\\ud800\"", "\"s0-0123456789abcdef0123456789abcdef\"", $"\"{target.Session}\"", "\"t-0123456789abcdef0123456789abcdef\""),
            Gen.String[Gen.Char, 0, 30].Select(text => JsonSerializer.Serialize(Whole(text))));
        var members = Gen.OneOf("input", "session_id", "turn_id", "other_turn_id", "other_session_id", "amount", "at", "limit", "cursor", "contains", "status", "speed", "budget", "to").Select(values, (name, value) => $"\"{name}\":{value}").Array[0, 5];

        await Gen.OneOf(paths).Select(members).SampleAsync(
            (path, kwargs) => RefusedAsync("invoke", Encoding.UTF8.GetBytes($"{{\"path\":\"{path}\",\"kwargs\":{{{string.Join(',', kwargs.DistinctBy(member => member.Split(':')[0]))}}}}}"), succeeds: true),
            iter: 8_000 * Times,
            threads: 4);
    }

    private Task RefusedAsync(string what, object body, bool succeeds) => RefusedAsync(what, JsonSerializer.SerializeToUtf8Bytes(body), succeeds);

    private async Task RefusedAsync(string what, byte[] json, bool succeeds)
    {
        using var content = new ByteArrayContent(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/agentese/{what}") { Content = content };
        using var response = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Judge(response, Encoding.UTF8.GetString(json), succeeds);
    }

    private static void Judge(HttpResponseMessage response, string asked, bool succeeds)
    {
        var status = (int)response.StatusCode;
        Assert.True(status is >= 200 and < 500 && (succeeds || status >= 400), $"{status}: {asked}");
        Assert.True(status < 400 || response.Content.Headers.ContentType?.MediaType == "application/problem+json", $"{status}: {asked}");
    }

    /// <summary>Half a surrogate pair cannot be sent.</summary>
    private static string Whole(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>One host for all that is sent, without a worker.</summary>
    public sealed class Target : IAsyncLifetime
    {
        private NatsServer nats = null!;

        internal KgentsHost Host { get; private set; } = null!;

        internal string Session { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
            Host = await KgentsHost.StartAsync(nats.Url, Parts.Api);
            Session = await Host.Client.CreateSessionAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            await nats.DisposeAsync();
        }
    }
}
