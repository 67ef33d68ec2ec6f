using Kgents.Contracts;
using Kgents.Streaming.Sweeping;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Rights;

/// <summary>What is done where something failed or somebody died before.</summary>
internal sealed class RecoveryWork(RightsSystem system)
{
    private const int FillersPerBucket = 60;

    private HttpClient Client => system.Api.Client;

    /// <summary>Dead letters: of a message, and of an entry of a log.</summary>
    public async Task FailAsync()
    {
        var session = SessionId.Parse(await Client.CreateSessionAsync());
        await Conversations.StoreAsync(system.Operator, Subjects.UserMessages(Conversations.Tenant, session), "{ not json"u8.ToArray());
        await Conversations.AnswerAsync(system.Operator, session, 1);

        var turn = TurnId.New(TimeProvider.System);
        await Conversations.StoreAsync(
            system.Operator, Subjects.Tokens(new TurnAddress(Conversations.Tenant, session, turn)), "not json"u8.ToArray(), new() { [TurnHeaders.Event] = TurnEventCodec.Committed });
        await Conversations.AskAsync(system.Operator, session, turn, 2);
        await Conversations.AnswerAsync(system.Operator, session, 2);
        foreach (var origin in new[] { "messages", "tokens" })
        {
            Assert.NotNull(await system.Operator.Reader.LastAsync(Streams.DeadLetters.Name, Subjects.DeadLetters(origin, Conversations.Tenant), TestContext.Current.CancellationToken));
        }
    }

    public async Task TakeOverAsync()
    {
        var session = SessionId.Parse(await Client.CreateSessionAsync());
        var turn = TurnId.New(TimeProvider.System);
        await Conversations.LogAsync(system.Operator, session, turn, new TurnAccepted(turn, 1, "gone"));
        await Conversations.AskAsync(system.Operator, session, turn, 1);

        Assert.Equal(TurnStatus.Completed, (await Conversations.AnswerAsync(system.Operator, session, 1)).Status);
    }

    public async Task SweepAsync()
    {
        var session = SessionId.Parse(await Client.CreateSessionAsync());
        var turn = TurnId.New(TimeProvider.System);
        var commit = new TurnCommitted(TurnStatus.Completed, null, "a-1", "", 1, 1, "gone", new TokenCounts(5, 6, TokenCounts.Reported), TimeProvider.System.GetUtcNow(), []) { Decision = TurnRecords.Decision };
        await Conversations.LogAsync(system.Operator, session, turn, new TurnAccepted(turn, 1, "gone"));
        await Conversations.LogAsync(system.Operator, session, turn, commit);
        await Conversations.StoreAsync(system.Operator, Subjects.Audit(new TurnAddress(Conversations.Tenant, session, turn)), "{}"u8.ToArray());

        await Task.WhenAll(system.Workers.Select(worker => worker.Services.GetRequiredService<TurnSweeper>().SweepOnceAsync(TestContext.Current.CancellationToken)));

        await Eventually.TrueAsync(async () => TurnEventCodec.IsTerminal((await TurnRecords.ReadAsync(system.Operator, session.ToString(), turn)).Kinds[^1]));

        // A worker that starts where there are messages already.
        await system.StopWorkersAsync();
        await system.StartWorkerAsync();
        Assert.Equal("complete", new Turn(await Client.SayAsync(session.ToString(), "after")).EndKind);
    }

    /// <summary>So many keys and tenants that who reads them is slowed down by the server, and must say that it goes on.</summary>
    public async Task CatchUpAsync()
    {
        foreach (var bucket in new[] { Buckets.Tenants, Buckets.ApiKeys })
        {
            for (var number = 0; number < FillersPerBucket; number++)
            {
                await Conversations.StoreAsync(system.Operator, Subjects.KeyValue(bucket, $"_filler.{number}"), new byte[100_000]);
            }
        }

        await using var replica = await system.StartApiAsync();
        using var answer = await replica.Client.GetAsync(new Uri("/v1/keys", UriKind.Relative), TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
    }
}
