using System.Text.Json;

namespace Kgents.Testing;

/// <summary>Every way in which OpenMeter is known to fail, by a seed: as the rule and the fate of an <see cref="OpenMeterStandIn"/>.</summary>
public sealed class OpenMeterChaos(int seed, bool deduplicates)
{
    private readonly Random _random = new(seed);
    private readonly HashSet<string> _lostOnce = [];
    private readonly HashSet<string> _doubled = [];

    /// <summary>Ids of the events that are there twice by its own fault.</summary>
    public IReadOnlySet<string> Doubled => _doubled;

    /// <summary>Requests that went wrong.</summary>
    public int Faults { get; private set; }

    public OpenMeterFault? Next()
    {
        OpenMeterFault? fault = _random.Next(40) switch
        {
            0 => new(RequestFault.Refused, 500),
            1 => new(RequestFault.Refused, 503),
            2 => new(RequestFault.Refused, 408),
            3 => new(RequestFault.Refused, 429, TimeSpan.FromSeconds(1)),
            4 => new(RequestFault.PartlyTaken, Taken: _random.Next(20)),
            5 => new(RequestFault.BrokenBefore),
            6 => new(RequestFault.BrokenAfter),
            7 => new(RequestFault.Refused, 401),
            8 => new(RequestFault.Refused, 413),

            // Only deduplication in front of the queue takes an id for known that is nowhere. Rare: nobody but an operator can help.
            9 when deduplicates && _random.Next(3) == 0 => new(RequestFault.ClaimedAndFailed),
            _ => null,
        };
        Faults += fault is null ? 0 : 1;
        return fault;
    }

    /// <summary>Some are lost after their 204, once; and where nothing deduplicates some are there twice.</summary>
    public EventFate FateOf(JsonElement value)
    {
        var id = value.GetProperty("id").GetString()!;
        return _random.Next(200) switch
        {
            0 or 1 when _lostOnce.Add(id) => EventFate.Lost,
            2 when !deduplicates && _doubled.Add(id) => EventFate.Doubled,
            _ => EventFate.Stored,
        };
    }
}
