using CsCheck;
using Kgents.Api.Agentese;

namespace Kgents.Tests.Api.Agentese;

/// <summary>The grammar of docs/agentese.md, where it is wrong, and what was perhaps meant.</summary>
public sealed class PathParserTests
{
    private static readonly Gen<string> Name = Gen.Select(Gen.Char['a', 'z'], Gen.String[Gen.Char["abcxyz019_"], 0, 39], (first, rest) => first + rest);

    private static readonly Gen<string[]> Modifiers = Gen.Select(
        Gen.Shuffle(new[] { "[phase=DEVELOP]", "[entropy=0.07]", "[law_check]", "[minimal_output=true]", "[rollback=false]" }, 0, 5), Gen.Shuffle(new[] { "@span=a_1-B", "@dot=2" }, 0, 2), (clauses, annotations) => (string[])[.. clauses, .. annotations]);

    private static readonly Gen<string> Path = Gen.Select(
        Gen.OneOf([.. PathParser.Contexts]), Name, Name, Modifiers, (context, holon, aspect, modifiers) => $"{context}.{holon}.{aspect}{string.Concat(modifiers)}");

    [Fact]
    public void Path_IsRead_WithAllThatStandsBehindIt()
    {
        Assert.True(PathParser.TryParse("concept.justice_2.refine[phase=CROSS-SYNERGIZE][entropy=0.07][law_check]@span=research_001@dot=2", out var path, out _));

        Assert.Equal(("concept", "justice_2", "refine", "CROSS-SYNERGIZE", 0.07m, "research_001"), (path.Context, path.Holon, path.Aspect, path.Phase, path.Entropy!.Value, path.Span));
        Assert.Equal(["phase=CROSS-SYNERGIZE", "entropy=0.07", "law_check=true", "span=research_001", "dot=2"], path.Modifiers.Select(modifier => $"{modifier.Name}={modifier.Value}"));
        Assert.Equal([24, 47, 61, 72, 90], path.Modifiers.Select(modifier => modifier.Position));
    }

    [Theory]
    [InlineData("", 0, "self.soul.manifest")]
    [InlineData("self", 4, null)]
    [InlineData("self.soul", 9, "self.soul.manifest")]
    [InlineData("self.soul[phase=PLAN]", 9, "self.soul.manifest[phase=PLAN]")]
    [InlineData("self.soul.", 10, null)]
    [InlineData("self..manifest", 5, null)]
    [InlineData(".soul.manifest", 0, null)]
    [InlineData("self.soul.manifest.", 19, "self.soul.manifest")]
    [InlineData("self.soul.vitals.manifest", 16, "self.soul.vitals")]
    [InlineData("self.Soul.manifest", 5, "self.soul.manifest")]
    [InlineData("self.soul.man-ifest", 13, "self.soul.man_ifest")]
    [InlineData("self.2soul.manifest", 5, null)]
    [InlineData("self.so ul.manifest", 7, null)]
    [InlineData("self.soul.manifest ", 18, null)]
    [InlineData("self.soul.manifest[phase=DEVELOP", 18, "self.soul.manifest[phase=DEVELOP]")]
    [InlineData("self.soul.manifest[phase=DEVELOP]]", 33, "self.soul.manifest[phase=DEVELOP]")]
    [InlineData("self.soul.manifest[fase=DEVELOP]", 19, "self.soul.manifest[phase=DEVELOP]")]
    [InlineData("self.soul.manifest[phase=develop]", 25, "self.soul.manifest[phase=DEVELOP]")]
    [InlineData("self.soul.manifest[phase]", 24, null)]
    [InlineData("self.soul.manifest[]", 19, null)]
    [InlineData("void.entropy.sip[entropy=1.01]", 25, null)]
    [InlineData("void.entropy.sip[entropy=-0.1]", 25, null)]
    [InlineData("void.entropy.sip[entropy=NaN]", 25, null)]
    [InlineData("void.entropy.sip[entropy=0.12345]", 25, null)]
    [InlineData("void.entropy.sip[entropy=1e-1]", 25, null)]
    [InlineData("self.soul.manifest[law_check=maybe]", 29, "self.soul.manifest[law_check=true]")]
    [InlineData("self.soul.manifest[law_check][law_check]", 29, "self.soul.manifest[law_check]")]
    [InlineData("self.soul.manifest@span", 23, null)]
    [InlineData("self.soul.manifest@span=", 24, null)]
    [InlineData("self.soul.manifest@span=a b", 24, null)]
    [InlineData("self.soul.manifest@spam=a", 19, "self.soul.manifest@span=a")]
    [InlineData("self.soul.manifest@span=a[law_check]", 25, "self.soul.manifest@span=a")]
    [InlineData("self.soul.manifest@", 19, null)]
    public void Fault_SaysWhereItIs_AndWhatWasPerhapsMeant(string text, int position, string? suggestion)
    {
        Assert.False(PathParser.TryParse(text, out _, out var fault));

        Assert.Equal((text, position, suggestion, false), (text, fault.Position, fault.Suggestion, fault.IsUnknown));
    }

    [Theory]
    [InlineData("word.house.manifest", "world.house.manifest")]
    [InlineData("selv.soul.manifest", "self.soul.manifest")]
    [InlineData("heaven.soul.manifest", null)]
    public void Context_ThatIsNone_IsUnknown(string text, string? suggestion)
    {
        Assert.False(PathParser.TryParse(text, out _, out var fault));

        Assert.Equal((0, suggestion, true), (fault.Position, fault.Suggestion, fault.IsUnknown));
    }

    [Fact]
    public void Lengths_AreBounded()
    {
        Assert.True(PathParser.TryParse($"self.{new string('a', 40)}.manifest", out _, out _));
        Assert.False(PathParser.TryParse($"self.{new string('a', 41)}.manifest", out _, out var name));
        Assert.Equal(45, name.Position);

        Assert.False(PathParser.TryParse($"self.soul.manifest@span={new string('a', 41)}", out _, out _));
        Assert.False(PathParser.TryParse("self.soul." + new string('a', 10_000), out _, out var tooLong));
        Assert.Equal((AgentesePath.Longest, null), (tooLong.Position, tooLong.Suggestion));
    }

    [Theory]
    [InlineData("self.soul.manifest", 9)]
    [InlineData("self.soul[law_check]", 9)]
    [InlineData("self", 4)]
    public void Handle_HasTwoNames(string text, int position)
    {
        Assert.True(PathParser.TryParseHandle("world.house", out var path, out _));
        Assert.Equal("world.house", path.Bare);
        Assert.False(PathParser.TryParseHandle(text, out _, out var fault));
        Assert.Equal(position, fault.Position);
    }

    [Fact]
    public void Path_IsTheSame_WhenItIsWrittenAndReadAgain() => Path.Sample(text =>
    {
        Assert.True(PathParser.TryParse(text, out var path, out var fault), $"{text}: {fault}");
        Assert.True(PathParser.TryParse(path.ToString(), out var again, out _));
        return again.ToString() == path.ToString() && again.Modifiers.Select(each => (each.Name, each.Value)).SequenceEqual(path.Modifiers.Select(each => (each.Name, each.Value)));
    });

    /// <summary>A character taken out, put in or replaced: what comes of it is a path, or is refused where it is wrong, with a suggestion that is a path.</summary>
    [Fact]
    public void Fault_OfAPathThatIsAlmostOne_LiesWithinIt_AndSuggestsAPath() => Gen.Select(Path, Gen.Int[0, 200], Gen.Int[0, 2], Gen.Char).Sample(
        (text, at, how, character) =>
        {
            var place = at % text.Length;
            var wrong = how switch { 0 => text.Remove(place, 1), 1 => text.Insert(place, character.ToString()), _ => text.Remove(place, 1).Insert(place, character.ToString()) };
            return PathParser.TryParse(wrong, out _, out var fault)
                || (fault.Position >= 0 && fault.Position <= wrong.Length && (fault.Suggestion is null || PathParser.TryParse(fault.Suggestion, out _, out _)));
        },
        iter: 20_000);

    [Fact]
    public void Text_OfAnyKind_IsAPathOrRefused() => Gen.OneOf(Gen.String, Gen.String[Gen.Char[".[]=@_-abSelf01 \0\u00e9"], 0, 600]).Sample(
        text => PathParser.TryParse(text, out var path, out var fault)
            ? path.ToString().Length > 0
            : fault.Position >= 0 && fault.Position <= Math.Max(text.Length, AgentesePath.Longest) && fault.Reason.EndsWith('.'),
        iter: 20_000);
}
