using System.Globalization;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.JetStream.Models;

namespace Kgents.Operations.Streams;

/// <summary>Which changes of a stream lose nothing that it holds.</summary>
internal static class StreamRules
{
    /// <summary>Why a difference is not to be mended; null when it is.</summary>
    public static string? Refusal(StreamDifference difference, StreamConfig expected, StreamInfo found, DateTimeOffset now)
    {
        var state = found.State;
        return difference.Field switch
        {
            "storage" or "retention" or "allow_msg_counter" => "the server changes this of no stream that is there",
            "deny_delete" or "deny_purge" when difference.Expected is false => "the server takes this back from no stream",
            "subjects" when state.Messages > 0 && found.Config.Subjects?.Except(expected.Subjects ?? []).ToList() is { Count: > 0 } gone =>
                $"it holds {state.Messages} messages, and would not take {string.Join(", ", gone)} any more",
            "max_age" when state.Messages > 0 && expected.MaxAge > TimeSpan.Zero && now - DateTimeOffset.Parse(state.FirstTs!, CultureInfo.InvariantCulture) is var age && age > expected.MaxAge =>
                $"its oldest message is {age:d\\.hh\\:mm\\:ss} old and would be removed",
            "max_bytes" when expected.MaxBytes >= 0 && state.Bytes > expected.MaxBytes => $"it holds {state.Bytes} bytes, and what does not fit would be removed",
            "max_msgs_per_subject" when expected.MaxMsgsPerSubject > 0 && state.Messages > state.NumSubjects * expected.MaxMsgsPerSubject =>
                $"it holds {state.Messages} messages of {state.NumSubjects} subjects, and all but the last of each would be removed",
            _ => null,
        };
    }
}
