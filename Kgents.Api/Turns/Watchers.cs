namespace Kgents.Api.Turns;

/// <summary>Who is called together, when something is new for all of them. Most are of one viewer.</summary>
internal sealed class Watchers
{
    private readonly Lock gate = new();
    private WakeUp[] all = new WakeUp[1];
    private int count;
    private WakeUp.Chains? chains;

    public int Count
    {
        get
        {
            lock (gate)
            {
                return count;
            }
        }
    }

    /// <summary>Calls it too, until what this returns is disposed of.</summary>
    public Watching Add(WakeUp one)
    {
        lock (gate)
        {
            if (count == all.Length)
            {
                Array.Resize(ref all, 2 * count);
            }

            one.Place = count;
            all[count++] = one;
        }

        return new Watching(this, one);
    }

    public void Call()
    {
        lock (gate)
        {
            if (count < 2)
            {
                // A feed of one viewer needs no chains, and one whose viewers have left calls nobody.
                if (count == 1)
                {
                    all[0].Call();
                }

                return;
            }

            chains ??= new WakeUp.Chains();
            foreach (var one in all.AsSpan(0, count))
            {
                chains.Add(one);
            }

            chains.Call();
        }
    }

    private void Remove(WakeUp one)
    {
        lock (gate)
        {
            var last = all[--count];
            all[one.Place] = last;
            last.Place = one.Place;
            all[count] = null!;
        }
    }

    /// <summary>One that is called. To be disposed of once.</summary>
    internal readonly struct Watching(Watchers watchers, WakeUp one) : IDisposable
    {
        public void Dispose() => watchers.Remove(one);
    }
}
