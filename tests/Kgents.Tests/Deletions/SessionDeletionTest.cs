using System.Net;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Api;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Deletions;

/// <summary>A session that is to be deleted.</summary>
public abstract class SessionDeletionTest : TurnTest
{
    private protected KgentsHost api = null!;
    private protected SessionId session;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Model.DefaultScript = new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall());
        api = await KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Turns:Stream:TailCheckInterval", "00:00:00.100"));
        session = SessionId.Parse(await api.Client.CreateSessionAsync());
    }

    public override async ValueTask DisposeAsync()
    {
        await api.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected async Task IsGoneForClientsAsync()
    {
        var turn = TurnId.New(TimeProvider.System);
        foreach (var path in (string[])["", "/messages", "/events", $"/turns/{turn}", $"/turns/{turn}/events"])
        {
            using var response = await GetAsync(path);
            Assert.Equal((path, HttpStatusCode.NotFound), (path, response.StatusCode));
            Assert.Equal("urn:kgents:problem:session-not-found", (await response.JsonAsync()).GetProperty("type").GetString());
        }

        using var post = await api.Client.PostAsync(session.ToString(), "hello");
        Assert.Equal(HttpStatusCode.NotFound, post.StatusCode);
        using var list = await api.Client.GetAsync("/v1/kgent/sessions", TestContext.Current.CancellationToken);
        Assert.DoesNotContain(session.ToString(), await list.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private protected Task<KgentsHost> StartWorkerAsync(params (string, string?)[] settings) => KgentsHost.StartAsync(
        Nats.Url,
        Parts.Streaming,
        [("ConnectionStrings:llm", Model.ConnectionString), ("Turns:AckWait", "00:00:00.500"), ("Turns:DrainTimeout", "00:00:00"), ("Deletions:Interval", "00:00:00.050"), ("Deletions:PurgeAgainAfter", "00:00:00.500"), .. settings]);

    private protected Task<HttpResponseMessage> GetAsync(string path) =>
        api.Client.GetAsync($"/v1/kgent/sessions/{session}{path}", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

    private protected async Task<HttpStatusCode> DeleteAsync()
    {
        using var response = await api.Client.DeleteAsync($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
