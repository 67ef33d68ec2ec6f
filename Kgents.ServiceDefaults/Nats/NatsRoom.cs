using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using NATS.Client.JetStream.Models;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>Whether nats-server has room for what this process stores. That it has none is said once for each stream, until something was stored there again.</summary>
public sealed partial class NatsRoom(TimeProvider time, ILogger<NatsRoom> logger)
{
    private const int InsufficientResources = 10023;
    private const int StorageExceeded = 10047;
    private const int StoreFailed = 10077;

    /// <summary>Who is refused tries again within this time; after it, it is no longer known to be full.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, bool> told = new(StringComparer.Ordinal);
    private volatile Refusal? latest;

    /// <summary>What has no room, in words for an operator; null when everything has.</summary>
    public string? Problem => latest is { } refusal && time.GetElapsedTime(refusal.At) < Remembered ? refusal.Problem : null;

    /// <summary>Something was stored: it has room.</summary>
    public void Stored(string stream)
    {
        if (latest is { } refusal && refusal.Stream == stream)
        {
            latest = null;
            told.TryRemove(stream, out _);
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

        var problem = Describe(stream, error);
        latest = new Refusal(stream, problem, time.GetTimestamp());
        if (told.TryAdd(stream, true))
        {
            LogFull(problem);
        }

        return true;
    }

    /// <summary>In words for an operator, with what to set.</summary>
    public static string Describe(string stream, ApiError error) => error.ErrCode == StoreFailed
        ? $"{stream} is full ({error.Description}): raise its max_bytes (Nats:*MaxBytes, then `./dev streams apply`), or remove what is old"
        : $"nats-server has no room for {stream} ({error.Description}): raise max_file_store in its configuration and the disk beneath it, or remove what is old";

    private sealed record Refusal(string Stream, string Problem, long At);

    [LoggerMessage(LogLevel.Error, "Not ready: {Problem}. Trying again.")]
    private partial void LogFull(string problem);

    [LoggerMessage(LogLevel.Information, "{Stream} has room again.")]
    private partial void LogRoom(string stream);
}
