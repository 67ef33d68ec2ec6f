using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Api.Sessions;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Api;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Rights;

/// <summary>What clients ask for.</summary>
internal sealed class ConversationWork(RightsSystem system)
{
    private HttpClient Client => system.Api.Client;

    public async Task ConverseAsync()
    {
        foreach (var title in new[] { "one", "and another" })
        {
            using var earlier = await Client.PostAsJsonAsync("/v1/kgent/sessions", new { title }, TestContext.Current.CancellationToken);
            earlier.EnsureSuccessStatusCode();
        }

        using var created = await Client.PostAsJsonAsync("/v1/kgent/sessions", new { title = "a title" }, TestContext.Current.CancellationToken);
        var session = (await created.JsonAsync()).GetProperty("id").GetString()!;
        using (var changed = await Client.PatchAsJsonAsync($"/v1/kgent/sessions/{session}", new { title = "another" }, TestContext.Current.CancellationToken))
        {
            changed.EnsureSuccessStatusCode();
        }

        var turn = new Turn(await Client.SayAsync(session, "count"));
        var keyed = await (await Client.PostAsync(session, "key", new { message = "again", on_busy = "enqueue" })).TurnAsync();
        Assert.Equal(("complete", "one two", "complete"), (turn.EndKind, turn.Text, keyed.EndKind));
        Assert.Equal(4, (await Client.MessagesAsync(session)).Count);
        await system.GetAsync("/v1/kgent/sessions");
        await system.GetAsync("/v1/kgent/sessions?limit=1&status=archived");
        await system.GetAsync($"/v1/kgent/sessions/{session}");
        await system.GetAsync($"/v1/kgent/sessions/{session}/turns/{turn.Id}");
        await system.GetAsync($"/v1/kgent/sessions/{session}/turns/{turn.Id}/events?after=0");
        using (var ticket = await Client.PostAsync($"/v1/kgent/sessions/{session}/turns/{turn.Id}/ticket", null, TestContext.Current.CancellationToken))
        {
            ticket.EnsureSuccessStatusCode();
        }

        using (var followed = await Client.GetAsync(new Uri($"/v1/kgent/sessions/{session}/events?after=0", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
            followed.EnsureSuccessStatusCode();
            Assert.True(await SseClient.ReadAsync(followed, TestContext.Current.CancellationToken).AnyAsync(frame => frame.Event == "complete", TestContext.Current.CancellationToken));
        }

        system.Model.Enqueue(new ModelScript(new ModelStep.Token("RECOMMENDATION: approve\nCONFIDENCE: 0.9\nPRINCIPLES: simplicity\nREASONING: It only reads."), new ModelStep.Usage(11, 3)));
        using var governed = await Client.PostAsJsonAsync("/v1/soul/governance", new { action = "read a page" }, TestContext.Current.CancellationToken);
        governed.EnsureSuccessStatusCode();
    }

    /// <summary>Paths of AGENTESE, for what they alone touch.</summary>
    public async Task InvokeAsync()
    {
        foreach (var path in new[] { "world.house.define", "world.house.manifest", "void.entropy.sip", "void.serendipity.tangent" })
        {
            await InvokeAsync(path, "developer");
        }

        foreach (var path in new[] { "world.system.health", "world.system.streams", "world.system.lag" })
        {
            await InvokeAsync(path, "admin");
        }

        await system.GetAsync("/v1/agentese/paths");
    }

    private async Task InvokeAsync(string path, string archetype)
    {
        using var invoked = await Client.PostAsJsonAsync("/v1/agentese/invoke", new { path, observer = new { archetype } }, TestContext.Current.CancellationToken);
        Assert.True(invoked.IsSuccessStatusCode, $"{path}: {await invoked.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
    }

    public async Task CancelAsync()
    {
        var session = await Client.CreateSessionAsync();
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        using var post = await Client.PostAsync(session, "count");
        var turn = (await system.Api.AskedAsync(session))[0];
        var address = new TurnAddress(Conversations.Tenant, SessionId.Parse(session), turn);
        await BegunAsync(address);

        // Somebody has set the mark and died before he told.
        await Conversations.StoreAsync(system.Operator, Subjects.CancelMark(address), "{}"u8.ToArray());
        using (var cancelled = await Client.PostAsync($"/v1/kgent/sessions/{session}/turns/{turn}/cancel", null, TestContext.Current.CancellationToken))
        {
            cancelled.EnsureSuccessStatusCode();
        }

        Assert.Equal("cancelled", (await post.TurnAsync()).EndKind);

        // Its API died after it was stored, before it told the worker.
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        using var interrupted = await Client.PostAsync(session, "count");
        await BegunAsync(address with { Turn = (await system.Api.AskedAsync(session))[1] });
        await Conversations.StoreAsync(system.Operator, Subjects.UserMessages(Conversations.Tenant, SessionId.Parse(session)), JsonSerializer.SerializeToUtf8Bytes(
            new UserMessage(TurnId.New(TimeProvider.System), 3, "stop", DialogueModes.Reflect, TimeProvider.System.GetUtcNow(), Interrupts: true), WireJson.Default.UserMessage));
        Assert.Equal("cancelled", (await interrupted.TurnAsync()).EndKind);
        await Conversations.AnswerAsync(system.Operator, SessionId.Parse(session), 3);
    }

    public async Task AdministerAsync()
    {
        using var other = await system.Api.NewClientAsync("acme", "read", "write");
        Assert.Equal("complete", new Turn(await other.SayAsync(await other.CreateSessionAsync(), "hello")).EndKind);
        using (var paused = await Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { status = "paused" }, TestContext.Current.CancellationToken))
        {
            paused.EnsureSuccessStatusCode();
        }

        await system.GetAsync("/v1/admin/tenants");
        await system.GetAsync("/v1/keys");
    }

    public async Task DeleteAsync()
    {
        var session = SessionId.Parse(await Client.CreateSessionAsync());
        using (var changed = await Client.PatchAsJsonAsync($"/v1/kgent/sessions/{session}", new { title = "another" }, TestContext.Current.CancellationToken))
        {
            changed.EnsureSuccessStatusCode();
        }

        await Client.SayAsync(session.ToString(), "count");
        using var deleted = await Client.DeleteAsync(new Uri($"/v1/kgent/sessions/{session}", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Accepted, deleted.StatusCode);
        await Remains.NoneAsync(system.Operator, session);

        // It was changed while it was deleted.
        await system.Api.Services.GetRequiredService<SessionDetailsStore>().RemoveAsync(Conversations.Tenant, session, TestContext.Current.CancellationToken);

        // The API died between the order and the mark.
        var ordered = SessionId.Parse(await Client.CreateSessionAsync());
        await Conversations.StoreAsync(system.Operator, Subjects.Deletion(Conversations.Tenant, ordered), JsonSerializer.SerializeToUtf8Bytes(new DeletionOrder(TimeProvider.System.GetUtcNow()), WireJson.Default.DeletionOrder));
        await Eventually.TrueAsync(async () => await system.Operator.Reader.LastAsync(
            Subjects.KeyValueStream(Buckets.Sessions), Subjects.SessionRecord(Conversations.Tenant, ordered), TestContext.Current.CancellationToken) is { Data.Length: 0 });
        await Remains.NoneAsync(system.Operator, ordered);
    }

    /// <summary>The model has begun to answer.</summary>
    private Task BegunAsync(TurnAddress turn) => system.Operator.LastLoggedAsync(TurnEventCodec.Chunk, Subjects.Tokens(turn));
}
