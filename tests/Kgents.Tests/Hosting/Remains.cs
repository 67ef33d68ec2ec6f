using Kgents.Contracts;

namespace Kgents.Tests.Hosting;

/// <summary>What is left of a session, and the order to delete it.</summary>
internal static class Remains
{
    /// <summary>Messages, log entries, cancel marks and orders.</summary>
    public static async Task<(int Messages, int Entries, int Marks, int Orders)> OfAsync(KgentsHost host, SessionId session)
    {
        var tenant = Conversations.Tenant;
        return (
            await CountAsync(Streams.Messages.Name, Subjects.Conversation(tenant, session)),
            await CountAsync(Streams.Tokens.Name, Subjects.SessionTokens(tenant, session)),
            await CountAsync(Subjects.KeyValueStream(Buckets.Cancels), Subjects.SessionCancelMarks(tenant, session)),
            await CountAsync(Subjects.KeyValueStream(Buckets.Deletions), Subjects.Deletion(tenant, session)));

        async Task<int> CountAsync(string stream, string subject) =>
            await host.Reader.ReadAsync(stream, subject, 1, 0, TestContext.Current.CancellationToken).CountAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Waits until nothing is left and nothing more is to be done.</summary>
    public static Task NoneAsync(KgentsHost host, SessionId session) => Eventually.TrueAsync(async () => await OfAsync(host, session) is (0, 0, 0, 0));
}
