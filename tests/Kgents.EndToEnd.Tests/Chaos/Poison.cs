using System.Text.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>The events that OpenMeter will never take: of calls one in 128, by its id, and one of the first, so that a short run has one.</summary>
internal sealed class Poison
{
    private const int Anyhow = 30;

    private readonly Lock gate = new();
    private readonly HashSet<string> seen = [];
    private string? chosen;

    public bool Is(JsonElement usage)
    {
        if (usage.Text("type") is not (UsageEvent.BillableType or UsageEvent.NonBillableType))
        {
            return false;
        }

        var id = usage.Text("id");
        return id.EndsWith("00", StringComparison.Ordinal) || id.EndsWith("80", StringComparison.Ordinal) || IsChosen(id);
    }

    private bool IsChosen(string id)
    {
        lock (gate)
        {
            if (chosen is null && seen.Add(id) && seen.Count == Anyhow)
            {
                chosen = id;
            }

            return chosen == id;
        }
    }
}
