using System.Security.Cryptography;
using System.Text;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming.Sweeping;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Sweeping;

/// <summary>A session, and two workers that sweep when they are told to.</summary>
public abstract class SweepTest : TurnTest
{
    private protected readonly TurnId turn = TurnId.New(TimeProvider.System);
    private protected KgentsHost api = null!;
    private protected KgentsHost first = null!;
    private protected KgentsHost second = null!;
    private protected SessionId session;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        first = await StartWorkerAsync(Nats.Url);
        second = await StartWorkerAsync(Nats.Url);
        session = SessionId.Parse(await api.Client.CreateSessionAsync());
        await api.Client.SayAsync(session.ToString(), "before");
    }

    public override async ValueTask DisposeAsync()
    {
        await second.DisposeAsync();
        await first.DisposeAsync();
        await api.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected TurnAddress Address => new(Conversations.Tenant, session, turn);

    private protected static Task SweepAsync(KgentsHost host) => host.Services.GetRequiredService<TurnSweeper>().SweepOnceAsync(TestContext.Current.CancellationToken);

    private protected async Task LogAsync(params TurnEvent[] events)
    {
        foreach (var turnEvent in events)
        {
            await Conversations.LogAsync(api, session, turn, turnEvent);
        }
    }

    private protected static TurnCommitted Commit(string text) => new(
        TurnStatus.Completed, null, "a-1", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))), 1, 1, "gone", new TokenCounts(5, 6, TokenCounts.Reported), TimeProvider.System.GetUtcNow(), [new UsagePayload("u-1", """{"id":"u-1"}""")]);

    private protected ValueTask<StoredEntry?> LastAsync(string subject) => api.Reader.LastAsync(Streams.Tokens.Name, subject, TestContext.Current.CancellationToken);

    private protected async Task StopWorkersAsync()
    {
        await first.DisposeAsync();
        await second.DisposeAsync();
    }

    /// <summary>It sweeps when the test says so, and waits for no age.</summary>
    private protected Task<KgentsHost> StartWorkerAsync(string url) => KgentsHost.StartAsync(
        url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Sweep:Age", "00:00:00"), ("Turns:AckWait", "00:00:01"), ("Turns:DrainTimeout", "00:00:00"));
}
