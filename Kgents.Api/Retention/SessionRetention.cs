using System.Text.Json;
using Kgents.Api.Plans;
using Kgents.Api.Sessions;
using Kgents.Api.Tenants;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Retention;

/// <summary>
/// Deletes sessions in which nothing was said for longer than their tenant's plan keeps them, as a client would: it may be repeated, and done by every replica at once. All times are the
/// broker's, so that no clock of ours that is ahead deletes anything.
/// </summary>
internal sealed partial class SessionRetention(TenantStore tenants, PlanCatalog plans, SessionDeletion deletion, BucketView<TenantRecord> view, JetStreamReader reader, ILogger<SessionRetention> logger)
{
    /// <summary>Of each session the last message of the user and the last answer are asked for.</summary>
    private const int SessionsAtOnce = JetStreamReader.MostSubjects / 4;

    private static readonly string Sessions = Subjects.KeyValueStream(Buckets.Sessions);

    /// <summary>One look. A replica whose view of the tenants is old does nothing: a plan may keep sessions longer by now.</summary>
    public async Task ApplyOnceAsync(CancellationToken cancellationToken) =>
        await ApplyAsync(await reader.TimeAsync(Streams.Messages.Name, cancellationToken), cancellationToken);

    /// <summary>The same as if it were this time.</summary>
    public async Task ApplyAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var tenant in tenants.All.ToList())
        {
            if (view.IsFresh && plans.Of(tenant).Retention is var retention && retention > TimeSpan.Zero)
            {
                await ApplyAsync(tenant.Id, now - retention, cancellationToken);
            }
        }
    }

    private async Task ApplyAsync(TenantId tenant, DateTimeOffset before, CancellationToken cancellationToken)
    {
        // In the order in which they were made: those that are too young to have been silent for so long come last.
        var old = reader.ReadAsync(Sessions, Subjects.TenantSessions(tenant), 1, 0, cancellationToken).TakeWhile(entry => entry.Time < before).Where(entry => entry.Data.Length > 0);
        await foreach (var some in old.Chunk(SessionsAtOnce).WithCancellation(cancellationToken))
        {
            var sessions = some.Select(entry => JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.SessionRecord)!.Id).ToList();
            var subjects = sessions.SelectMany(session => (string[])[Subjects.UserMessages(tenant, session), Subjects.AssistantMessages(tenant, session)]).ToList();
            var used = await reader.LastOfEachAsync(Streams.Messages.Name, subjects, cancellationToken).Where(entry => entry.Time >= before).Select(entry => entry.Subject).ToHashSetAsync(cancellationToken: cancellationToken);
            foreach (var session in sessions.Where(session => !used.Contains(Subjects.UserMessages(tenant, session)) && !used.Contains(Subjects.AssistantMessages(tenant, session))))
            {
                await DeleteUnusedAsync(tenant, session, before, cancellationToken);
            }
        }
    }

    /// <summary>A follower may have said that it is silent, so the leader is asked again before anything is done.</summary>
    private async Task DeleteUnusedAsync(TenantId tenant, SessionId session, DateTimeOffset before, CancellationToken cancellationToken)
    {
        if (await reader.LastAsync(Streams.Messages.Name, Subjects.Conversation(tenant, session), cancellationToken) is not { } last || last.Time < before)
        {
            await deletion.DeleteAsync(tenant, session, cancellationToken);
            LogDeleted(session, tenant);
        }
    }

    [LoggerMessage(LogLevel.Information, "Session {Session} of {Tenant} was silent for longer than its plan keeps it, and is deleted.")]
    private partial void LogDeleted(SessionId session, TenantId tenant);
}
