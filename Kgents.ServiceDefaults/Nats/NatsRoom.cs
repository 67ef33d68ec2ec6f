using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NATS.Client.JetStream.Models;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>
/// Whether nats-server has room for what this process stores. That it has none is said once for each stream, until something was stored there again. A server whose disk is full
/// refuses nothing: it answers no publish to that stream any more until it is restarted, and everything else as before.
/// </summary>
public sealed partial class NatsRoom(INatsConnection connection, TimeProvider time, ILogger<NatsRoom> logger)
{
    private const int InsufficientResources = 10023;
    private const int StorageExceeded = 10047;
    private const int StoreFailed = 10077;

    /// <summary>Who is refused tries again within this time; after it, it is no longer known to be full.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(10);

    /// <summary>For so long a stream may be silent before that is said: no election of a leader takes longer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A publish that is not answered so long after the last one is another story.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Refusal> refused = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Silence> silent = new(StringComparer.Ordinal);

    /// <summary>What has no room, in words for an operator; null when everything has.</summary>
    public string? Problem => refused.Values.Where(refusal => time.GetElapsedTime(refusal.At) < Remembered).MaxBy(refusal => refusal.At)?.Problem;

    /// <summary>Something was stored: it has room.</summary>
    public void Stored(string stream)
    {
        // Looked at first, since that locks nothing: this is called for each entry of each turn's log.
        if (silent.ContainsKey(stream))
        {
            silent.TryRemove(stream, out _);
        }

        if (refused.ContainsKey(stream) && refused.TryRemove(stream, out _))
        {
            LogRoom(stream);
        }
    }

    /// <summary>True when this is what was refused, and was said here.</summary>
    public bool Explain(string stream, ApiError? error)
    {
        if (error is not { ErrCode: InsufficientResources or StorageExceeded or StoreFailed })
        {
            return false;
        }

        Refused(stream, Describe(stream, error));
        return true;
    }

    /// <summary>A publish had no answer. Any may be lost; what is said is that none has come for a while, on one connection that is open.</summary>
    public void Unanswered(string stream)
    {
        if (connection.ConnectionState != NatsConnectionState.Open)
        {
            silent.TryRemove(stream, out _);
            return;
        }

        var silence = silent.AddOrUpdate(stream, _ => Begin(), (_, known) => known.Server == connection.ServerInfo && time.GetElapsedTime(known.Latest) < Forgotten ? known with { Latest = time.GetTimestamp() } : Begin());
        if (time.GetElapsedTime(silence.Since) >= Patience)
        {
            Refused(stream, $"nats-server acknowledges nothing in {stream}: if its log has a 'write error', make room on the disk beneath its store_dir, restart it, and set max_file_store below what the disk has");
        }

        Silence Begin() => new(connection.ServerInfo, time.GetTimestamp(), time.GetTimestamp());
    }

    /// <summary>In words for an operator, with what to set.</summary>
    public static string Describe(string stream, ApiError error) => error.ErrCode == StoreFailed
        ? $"{stream} is full ({error.Description}): raise its max_bytes (Nats:*MaxBytes, then `./dev streams apply`), or remove what is old"
        : $"nats-server has no room for {stream} ({error.Description}): raise max_file_store in its configuration and the disk beneath it, or remove what is old";

    private void Refused(string stream, string problem)
    {
        var refusal = new Refusal(problem, time.GetTimestamp());
        if (refused.TryAdd(stream, refusal))
        {
            LogFull(problem);
        }
        else
        {
            refused[stream] = refusal;
        }
    }

    private sealed record Refusal(string Problem, long At);

    private sealed record Silence(INatsServerInfo? Server, long Since, long Latest);

    [LoggerMessage(LogLevel.Error, "Not ready: {Problem}. Trying again.")]
    private partial void LogFull(string problem);

    [LoggerMessage(LogLevel.Information, "{Stream} has room again.")]
    private partial void LogRoom(string stream);
}
