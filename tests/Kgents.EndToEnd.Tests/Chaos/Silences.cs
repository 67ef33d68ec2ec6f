using System.Globalization;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>The longest time in which a stream took nothing, for each fault. Somebody always writes, so what is longer than in the row "nothing" is time without acks.</summary>
internal static class Silences
{
    public static string Table(IReadOnlyList<ClusterFault> faults, StoredLog log)
    {
        IReadOnlyList<DateTimeOffset> tokens = [.. log.Entries.Select(entry => entry.Time)];
        IReadOnlyList<DateTimeOffset> answers = [.. log.Answers.Select(answer => answer.Time)];
        IReadOnlyList<DateTimeOffset> usage = [.. log.Usage.Select(each => each.Time)];
        IEnumerable<string> rows = faults.Select(fault => string.Create(
            CultureInfo.InvariantCulture,
            $"  {fault.What,-42} {(fault.Whole - fault.Began).TotalSeconds,10:0.0} {Longest(tokens, fault),10:0.0} {Longest(answers, fault),10:0.0} {Longest(usage, fault),10:0.0}"));
        return string.Join('\n', [$"  {"seconds",-42} {"till whole",10} {"no token",10} {"no answer",10} {"no usage",10}", .. rows, "", ""]);
    }

    private static double Longest(IReadOnlyList<DateTimeOffset> stored, ClusterFault fault)
    {
        DateTimeOffset[] times = [fault.Began, .. stored.Where(time => time >= fault.Began && time <= fault.Ended).Order(), fault.Ended];
        return times.Zip(times.Skip(1)).Max(pair => pair.Second - pair.First).TotalSeconds;
    }
}
