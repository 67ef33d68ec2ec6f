using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Api;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Deletions;

/// <summary>A session that is deleted is gone for everybody at once, and what the streams held of it goes.</summary>
public sealed class SessionDeletionTests : SessionDeletionTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task CancelMarks_GoWithTheirSession()
    {
        using var response = await api.Client.PostAsync(session.ToString(), "count");
        var turn = (await api.AskedAsync(session.ToString()))[0];
        using var cancelled = await api.Client.PostAsync($"/v1/kgent/sessions/{session}/turns/{turn}/cancel", null, TestContext.Current.CancellationToken);
        Assert.Equal(1, (await Remains.OfAsync(api, session)).Marks);
        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());

        await using var worker = await StartWorkerAsync();

        Assert.Equal("cancelled", (await response.TurnAsync()).EndKind);
        await Remains.NoneAsync(api, session);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Order_IsCarriedOut_WhenWhoStoredItDiedBeforeItSetTheMark()
    {
        Model.DefaultScript = ModelScript.Reply("hello");
        await using var worker = await StartWorkerAsync();
        await api.Client.SayAsync(session.ToString(), "hello");

        await Conversations.StoreAsync(
            api, Subjects.Deletion(Conversations.Tenant, session), JsonSerializer.SerializeToUtf8Bytes(new DeletionOrder(TimeProvider.System.GetUtcNow()), WireJson.Default.DeletionOrder));
        await Remains.NoneAsync(api, session);

        await IsGoneForClientsAsync();
    }

    /// <summary>With the mark first, all that the session had said would stay for ever.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(CutPoint.BeforeForward)]
    [InlineData(CutPoint.BeforeReply)]
    public async Task Session_IsDeletedWhole_WhenTheApiDiesBetweenItsTwoWrites(CutPoint point)
    {
        Model.DefaultScript = ModelScript.Reply("hello");
        await using var worker = await StartWorkerAsync();
        await api.Client.SayAsync(session.ToString(), "hello");
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var doomed = await KgentsHost.StartAsync(proxy.Url, Parts.Api);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        proxy.CutAt(
            point == CutPoint.BeforeReply ? 1 : 2,
            point,
            subject => subject == Subjects.Deletion(Conversations.Tenant, session) || subject == Subjects.SessionRecord(Conversations.Tenant, session));

        var deleting = doomed.Client.DeleteAsync($"/v1/kgent/sessions/{session}", leaving.Token);
        await proxy.CutHappened;

        await Remains.NoneAsync(api, session);
        await IsGoneForClientsAsync();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => deleting);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Order_ThatCannotBeRead_IsCarriedOutAllTheSame()
    {
        await using var worker = await StartWorkerAsync();
        await Conversations.StoreAsync(api, Subjects.Deletion(Conversations.Tenant, session), "not json"u8.ToArray());

        await Remains.NoneAsync(api, session);

        await IsGoneForClientsAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Session_IsDeleted_WhenItsAnswersCannotBeRead()
    {
        await using var worker = await StartWorkerAsync();
        await Conversations.StoreAsync(api, Subjects.AssistantMessages(Conversations.Tenant, session), "not json"u8.ToArray());
        await Conversations.StoreAsync(api, Subjects.UserMessages(Conversations.Tenant, session), "not json"u8.ToArray());

        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());

        await Remains.NoneAsync(api, session);
        await IsGoneForClientsAsync();
    }

    /// <summary>Its end was purged before this replica saw it, so there is nothing that it could be told.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Streams_EndQuietly_WhenTheLogIsGoneBeforeTheyHaveSeenAnEnd()
    {
        using var turn = await api.Client.PostAsync(session.ToString(), "count");
        using var all = await GetAsync("/events");
        await Conversations.StoreAsync(api, Subjects.SessionRecord(Conversations.Tenant, session), [], new NATS.Client.Core.NatsHeaders { ["KV-Operation"] = "DEL" });

        await api.JetStream.PurgeStreamAsync(
            Streams.Messages.Name, new NATS.Client.JetStream.Models.StreamPurgeRequest { Filter = Subjects.Conversation(Conversations.Tenant, session) }, TestContext.Current.CancellationToken);

        Assert.Empty(await SseClient.ReadAsync(turn, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
        Assert.Empty(await SseClient.ReadAsync(all, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task OtherSessions_StayAsTheyAre_AndPagesAreFull()
    {
        Model.DefaultScript = ModelScript.Reply("hello");
        await using var worker = await StartWorkerAsync();
        string[] kept = [await api.Client.CreateSessionAsync(), await api.Client.CreateSessionAsync()];
        foreach (var each in kept.Append(session.ToString()))
        {
            await api.Client.SayAsync(each, "hello");
        }

        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());
        await Remains.NoneAsync(api, session);

        foreach (var each in kept)
        {
            Assert.Equal(2, (await api.Client.MessagesAsync(each)).Count);
            Assert.Equal("complete", new Turn(await api.Client.SayAsync(each, "again")).EndKind);
        }

        var page = await api.Client.GetFromJsonAsync<JsonElement>("/v1/kgent/sessions?limit=2", TestContext.Current.CancellationToken);
        Assert.Equal(kept.Reverse(), page.GetProperty("sessions").EnumerateArray().Select(each => each.GetProperty("id").GetString()));
        Assert.False(page.TryGetProperty("next", out _));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NothingIsDeleted_WhenThereIsNoSuchSession()
    {
        var unknown = SessionId.New(0, TimeProvider.System);

        Assert.Equal(HttpStatusCode.NotFound, (await api.Client.DeleteAsync($"/v1/kgent/sessions/{unknown}", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await api.Client.DeleteAsync("/v1/kgent/sessions/s0-1", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal((0, 0, 0, 0), await Remains.OfAsync(api, unknown));
    }
}
