using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Agentese;

/// <summary>Two tenants who invoke the same paths at the same time never see each other.</summary>
public sealed class TenantIsolationTests : AgenteseTest
{
    private const int Rounds = 6;

    [Fact(Timeout = Limits.Test)]
    public async Task Tenants_WhoInvokeTheSamePathsAtOnce_NeverSeeEachOther()
    {
        using var acme = await Host.NewClientAsync("acme");
        using var zeta = await Host.NewClientAsync("zeta");
        Model.DefaultScript = ModelScript.Reply("hm");

        var (ofAcme, ofZeta) = (ActAsync(acme, "of acme", 0.01m), ActAsync(zeta, "of zeta", 0.03m));
        var (acmesSessions, zetasSessions) = (await ofAcme, await ofZeta);

        Assert.Empty(acmesSessions.Intersect(zetasSessions));
        foreach (var (client, other, mine, theirs, drawn) in new[] { (acme, zetasSessions, "of acme", "of zeta", Rounds * 0.01m), (zeta, acmesSessions, "of zeta", "of acme", Rounds * 0.03m) })
        {
            foreach (var path in new[] { "world.house.witness", "concept.house.witness" })
            {
                var witness = (await ShownAsync(path, client: client)).GetProperty("turns").EnumerateArray().Select(turn => Text(turn, "question")).ToList();
                Assert.Equal(Rounds, witness.Count);
                Assert.All(witness, question => Assert.Contains(mine, question, StringComparison.Ordinal));
            }

            // What a tangent draws is taken away again; it may show only what is the tenant's own.
            for (var round = 0; round < Rounds; round++)
            {
                Assert.DoesNotContain(theirs, Text(await ShownAsync("void.serendipity.tangent", client: client), "question"), StringComparison.Ordinal);
            }

            Assert.Equal(drawn + (Rounds * 0.05m), (await ShownAsync("void.entropy.status", client: client)).GetProperty("drawn").GetDecimal());
            Assert.Equal(["world.house", "concept.house"], Texts(await GetAsync("paths", client), "known").OrderDescending());
            foreach (var session in other)
            {
                foreach (var path in new[] { "self.session.manifest", "self.session.witness", "self.soul.witness", "self.session.archive", "time.trace.query" })
                {
                    Assert.Equal((404, "session-not-found"), (await RefusedAsync(path, new { session_id = session }, client: client)) is var (status, name, _) ? (status, name) : default);
                }

                Assert.Equal(404, (await RefusedAsync("self.soul.reflect", new { session_id = session, input = "well?" }, client: client)).Status);
                Assert.Equal(404, (await RefusedAsync("time.past.project", new { session_id = session, at = TimeProvider.System.GetUtcNow() }, client: client)).Status);
            }
        }

        Assert.All(Model.Requests, request => Assert.Single(new[] { "of acme", "of zeta" }, whose => request.Messages.Any(message => message.Content.Contains(whose, StringComparison.Ordinal))));
    }

    private async Task<IReadOnlySet<string>> ActAsync(HttpClient client, string whose, decimal amount)
    {
        var sessions = new HashSet<string>();
        for (var round = 0; round < Rounds; round++)
        {
            var turns = await Task.WhenAll(
                InvokeAsync("world.house.define", new { input = $"{whose} {round}" }, client: client),
                InvokeAsync("concept.house.define", new { input = $"{whose} {round}" }, client: client),
                InvokeAsync("self.soul.reflect", new { input = $"{whose} {round}" }, client: client),
                InvokeAsync("void.entropy.sip", new { amount }, client: client));
            sessions.UnionWith(turns.Where(turn => turn.TryGetProperty("session_id", out _)).Select(turn => Text(turn, "session_id")));
        }

        return sessions;
    }
}
