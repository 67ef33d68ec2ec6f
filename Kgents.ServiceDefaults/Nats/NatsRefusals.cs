using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>
/// What nats-server does not let this process do. It does not answer what it refuses, so whoever asked sees no more than silence; here it is said once, with what is to be set.
/// </summary>
public sealed partial class NatsRefusals : IDisposable
{
    /// <summary>What is refused is tried again within this time; after it, it is no longer known to be refused.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(10);

    private readonly INatsConnection connection;
    private readonly TimeProvider time;
    private readonly ILogger<NatsRefusals> logger;
    private readonly ConcurrentDictionary<string, bool> told = new(StringComparer.Ordinal);
    private volatile Refusal? latest;

    public NatsRefusals(INatsConnection connection, TimeProvider time, ILogger<NatsRefusals> logger)
    {
        (this.connection, this.time, this.logger) = (connection, time, logger);
        connection.ServerError += Hear;
        connection.ConnectionOpened += Forget;
    }

    /// <summary>What was refused just now, in words for an operator; null for nothing.</summary>
    public string? Problem => latest is { } refusal && time.GetElapsedTime(refusal.At) < Remembered ? refusal.Problem : null;

    /// <summary>True for the silence after what was refused: it was said here, and whoever tries again need not tell each time that he does.</summary>
    public bool Explain(Exception exception) => Problem is not null && NatsFaults.IsPassing(exception, CancellationToken.None);

    public void Dispose()
    {
        connection.ServerError -= Hear;
        connection.ConnectionOpened -= Forget;
    }

    /// <summary>A subject without what differs from one message to the next: a line for each session would bury the log.</summary>
    public static string Topic(string subject)
    {
        var tokens = subject.Split('.');
        var kept = tokens[0] switch
        {
            "$JS" => 2 + tokens.Skip(1).TakeWhile(token => token.All(char.IsAsciiLetterUpper)).Count(),
            var inbox when inbox.StartsWith("_INBOX", StringComparison.Ordinal) => 1,
            _ => 2,
        };
        return kept < tokens.Length ? string.Join('.', tokens.Take(kept)) + ".>" : subject;
    }

    private ValueTask Hear(object? sender, NatsServerErrorEventArgs error)
    {
        if (IsAnswer(error))
        {
            if (told.TryAdd(nameof(LogAnswerRefused), true))
            {
                LogAnswerRefused();
            }

            return ValueTask.CompletedTask;
        }

        var problem = Describe(error);
        latest = new Refusal(problem, time.GetTimestamp());
        if (told.TryAdd(problem, true))
        {
            LogRefused(problem);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>The right to answer is given with the question, for a while, and is gone with the connection: one that is late is refused, and nobody waits for it.</summary>
    private static bool IsAnswer(NatsServerErrorEventArgs error) => error.Error.StartsWith("Permissions Violation for Publish to \"_INBOX", StringComparison.Ordinal);

    private string Describe(NatsServerErrorEventArgs error)
    {
        var user = connection.Opts.AuthOpts.Username is { Length: > 0 } name ? $"the user '{name}' of ConnectionStrings:nats" : "ConnectionStrings:nats (it names no user)";
        return error.Kind switch
        {
            NatsServerErrorKind.AuthorizationViolation => $"nats-server does not let {user} in: it has no such user with this password",
            NatsServerErrorKind.PermissionsViolation when error.Error.Split('"') is [var what, var subject, ..] =>
                $"nats-server does not let {user} {(what.Contains("Subscription", StringComparison.Ordinal) ? "subscribe" : "publish")} to {Topic(subject)}: give it this right, as deploy/nats/users.conf does, and reload the server",
            _ => $"nats-server says to {user}: {error.Error}",
        };
    }

    /// <summary>Another server, other users, or the same one with new rights: what it refuses is news again.</summary>
    private ValueTask Forget(object? sender, NatsEventArgs opened)
    {
        told.Clear();
        latest = null;
        return ValueTask.CompletedTask;
    }

    private sealed record Refusal(string Problem, long At);

    [LoggerMessage(LogLevel.Error, "Not ready: {Problem}. Trying again.")]
    private partial void LogRefused(string problem);

    [LoggerMessage(LogLevel.Warning, "nats-server refused an answer to a question. It came too late, after a pause of this process or a new connection; or allow_responses is missing, which deploy/nats/users.conf has.")]
    private partial void LogAnswerRefused();
}
